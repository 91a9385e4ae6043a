// SPDX-License-Identifier: Apache-2.0
import { JSONSerializer } from 'fabric-contract-api';

/** Lets a query return rows as they are; the contract API's own serializer would turn bytes into a JSON array. */
class RawBytesSerializer extends JSONSerializer {
  override toBuffer(result: unknown, schema: unknown, loggerPrefix?: string): Buffer {
    return result instanceof Uint8Array ? Buffer.from(result) : super.toBuffer(result, schema, loggerPrefix);
  }
}

/** Exports of each package besides its contract, in the form that `fabric-chaincode-node` reads. */
export const serializers = {
  transaction: 'rawBytes',
  serializers: { rawBytes: RawBytesSerializer },
};
