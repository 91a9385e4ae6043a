// SPDX-License-Identifier: Apache-2.0
import { serializers } from '../common/serializer.js';
import { PricingContract } from './pricing-contract.js';

// Exactly what `fabric-chaincode-node` reads. One contract, so its transactions need no prefix.
export { serializers };
export const contracts = [PricingContract];
