// SPDX-License-Identifier: Apache-2.0

// Import this first: the shim's loggers read their level as they are loaded, and would report every refusal that a
// test provokes.
process.env['CORE_CHAINCODE_LOGGING_LEVEL'] ??= 'CRITICAL';
