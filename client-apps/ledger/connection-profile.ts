// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { LedgerError } from './ledger-error.js';

/** Endpoint at which a client reaches the ledger. */
export interface GatewayEndpoint {
  /** `host:port`. */
  readonly address: string;
  /** Name in the peer's TLS certificate, if it is not the host. */
  readonly hostAlias?: string;
  /** PEM of the CA that signed the peer's TLS certificate; none for a peer without TLS. */
  readonly tlsRootCertificates?: Uint8Array;
}

/** A Fabric identity on disk. Each path names a file, or a directory that holds exactly one. */
export interface LedgerIdentity {
  readonly mspId: string;
  /** X.509 certificate, PEM. */
  readonly certificatePath: string;
  /** P-256 private key, PEM. */
  readonly keyPath: string;
}

/** An identity, read. */
export interface Credentials {
  readonly mspId: string;
  readonly certificate: Uint8Array;
  readonly privateKeyPem: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const tlsCertificates = z
  .object({ pem: z.union([z.string(), z.array(z.string())]) })
  .or(z.object({ path: z.string() }));

const peerSchema = z.object({
  url: z
    .string()
    .regex(/^grpcs?:\/\/[^/]+:\d+$/, 'expected grpcs://host:port')
    .refine((url) => URL.canParse(url), 'expected grpcs://host:port'),
  tlsCACerts: tlsCertificates.optional(),
  grpcOptions: z.record(z.string(), z.unknown()).optional(),
});
type ProfilePeer = z.infer<typeof peerSchema>;

/** The part of Fabric's common connection profile that a gateway client needs; the rest is left to other tools. */
const profileSchema = z.object({
  client: z.object({ organization: z.string() }),
  organizations: z.record(z.string(), z.object({ mspid: z.string(), peers: z.array(z.string()).min(1) })),
  peers: z.record(z.string(), peerSchema),
});

/**
 * Reads Fabric's common connection profile (`connection-<org>.json`): the peers of the client's organisation, in its order.
 * The environment names of fabric-samples' applications, `PEER_ENDPOINT`, `PEER_HOST_ALIAS` and `TLS_CERT_PATH`, override
 * it: an endpoint named there is the only one.
 * @returns at least one.
 * @throws LedgerError `PROFILE_INVALID`
 */
export function readGatewayEndpoints(path: string, environment: Environment = process.env): readonly GatewayEndpoint[] {
  const parsed = profileSchema.safeParse(parseJson(path));
  if (!parsed.success) {
    throw new LedgerError('PROFILE_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  }
  const { client, organizations, peers } = parsed.data;
  const names = organizations[client.organization]?.peers ?? [];
  if (names.length === 0) {
    throw new LedgerError('PROFILE_INVALID', `${path}: no peer of organisation ${client.organization} is described`);
  }
  const endpoints = names.map((name) => endpointOf(path, name, peers[name], environment));
  return environment.PEER_ENDPOINT === undefined ? endpoints : endpoints.slice(0, 1);
}

function endpointOf(
  path: string,
  name: string,
  peer: ProfilePeer | undefined,
  environment: Environment,
): GatewayEndpoint {
  if (peer === undefined) {
    throw new LedgerError('PROFILE_INVALID', `${path}: peer ${name} is named but not described`);
  }
  const alias = peer.grpcOptions?.['ssl-target-name-override'];
  const hostAlias = environment.PEER_HOST_ALIAS ?? (typeof alias === 'string' ? alias : undefined);
  const tlsRootCertificates = environment.TLS_CERT_PATH
    ? readSole(environment.TLS_CERT_PATH)
    : tlsBytes(peer.tlsCACerts, dirname(path));
  if (peer.url.startsWith('grpcs:') && tlsRootCertificates === undefined) {
    throw new LedgerError('PROFILE_INVALID', `${path}: peer ${name} uses TLS but has no tlsCACerts`);
  }
  return {
    address: environment.PEER_ENDPOINT ?? new URL(peer.url).host,
    ...(hostAlias !== undefined && { hostAlias }),
    ...(tlsRootCertificates !== undefined && { tlsRootCertificates }),
  };
}

/**
 * Reads certificate and key. `MSP_ID`, `CERT_PATH` or `CERT_DIRECTORY_PATH`, `KEY_PATH` or `KEY_DIRECTORY_PATH`
 * override.
 * @throws LedgerError `PROFILE_INVALID`
 */
export function readCredentials(identity: LedgerIdentity, environment: Environment = process.env): Credentials {
  const certificatePath = environment.CERT_PATH ?? environment.CERT_DIRECTORY_PATH ?? identity.certificatePath;
  const keyPath = environment.KEY_PATH ?? environment.KEY_DIRECTORY_PATH ?? identity.keyPath;
  return {
    mspId: environment.MSP_ID ?? identity.mspId,
    certificate: readSole(certificatePath),
    privateKeyPem: new TextDecoder().decode(readSole(keyPath)),
  };
}

function parseJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new LedgerError('PROFILE_INVALID', `${path} is not a readable JSON file`, { cause });
  }
}

function tlsBytes(certificates: z.infer<typeof tlsCertificates> | undefined, base: string): Uint8Array | undefined {
  if (certificates === undefined) {
    return undefined;
  }
  if ('path' in certificates) {
    return readSole(resolve(base, certificates.path));
  }
  return new TextEncoder().encode([certificates.pem].flat().join('\n'));
}

/** The bytes of a file, or of the only file in a directory: cryptogen and Fabric CA name keys differently. */
function readSole(path: string): Uint8Array {
  try {
    if (!statSync(path).isDirectory()) {
      return readFileSync(path);
    }
    const [name, ...others] = readdirSync(path);
    if (name === undefined || others.length > 0) {
      throw new LedgerError('PROFILE_INVALID', `${path}: expected exactly one file`);
    }
    return readFileSync(join(path, name));
  } catch (cause) {
    if (cause instanceof LedgerError) {
      throw cause;
    }
    throw new LedgerError('PROFILE_INVALID', `${path} cannot be read`, { cause });
  }
}
