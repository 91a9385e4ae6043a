// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { port } from '../../runtime/config.js';

/** Configuration of a server of a bulletin: a region's public address, or a mirror. */
export const bulletinServerConfig = z.strictObject({
  /** Its own directory: the key of its TLS server, sealed with the key of `GRIDVEIL_KEY_FILE`. */
  directory: z.string().min(1),
  /** The root of the bulletin that it serves. It is only read. */
  bulletin: z.string().min(1),
  listen: z.strictObject({ host: z.string().min(1), port }),
  /** Socket of the control center, `enrolment.sock` in its directory; a mirror has none, and accepts no enrolments. */
  enrolmentSocket: z.string().min(1).optional(),
});
export type BulletinServerConfig = z.output<typeof bulletinServerConfig>;
