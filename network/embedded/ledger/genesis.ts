// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { common, msp, orderer as ordererProtos, peer } from '@hyperledger/fabric-protos';
import timestampProtos from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { ordererOrganizationPath, peerOrganizationPath } from '../../topology/network-directory.js';
import { message } from '../message.js';
import { SignaturePolicy } from '../identity/policy.js';
import type { SigningIdentity } from '../identity/signing-identity.js';
import { blockSigner, type ChannelDefinition, type Topology } from '../../topology/topology.js';
import { wallClockMilliseconds } from '../wall-clock.js';
import { newSignatureHeader } from './block.js';

type Message = { serializeBinary(): Uint8Array };

/** FabricMSPConfig: an MSP of X.509 certificates. */
const X509_MSP_TYPE = 0;
const ADMINS = 'Admins';

/**
 * The configuration envelope of block 0, with organisations, CAs, policies and batch sizes where Fabric's tools look for
 * them. It is a description: the ledger itself works by the topology, and takes no configuration update.
 */
export function channelConfiguration(
  topology: Topology,
  channel: ChannelDefinition,
  organizations: string,
  orderer: SigningIdentity,
): Uint8Array {
  const root = group();
  setValue(root, 'HashingAlgorithm', message(common.HashingAlgorithm, { name: 'SHA256' }));
  // Blocks are hashed flat, which Fabric writes as a tree of the greatest width.
  setValue(root, 'BlockDataHashingStructure', message(common.BlockDataHashingStructure, { width: 0xffff_ffff }));
  setCapability(root, 'V2_0');
  setImplicitPolicies(root, topology);
  root.getGroupsMap().set('Application', applicationGroup(topology, channel, organizations));
  root.getGroupsMap().set('Orderer', ordererGroup(topology, organizations));
  const config = message(common.Config, { channelGroup: root });
  return signedEnvelope(channel.name, message(common.ConfigEnvelope, { config }), orderer);
}

function applicationGroup(topology: Topology, channel: ChannelDefinition, path: string): common.ConfigGroup {
  const application = group();
  setCapability(application, 'V2_5');
  setImplicitPolicies(application, topology);
  setSignaturePolicy(application, 'LifecycleEndorsement', topology.policies.lifecycle);
  setSignaturePolicy(application, 'Endorsement', topology.policies.endorsement);
  for (const organization of topology.organizations.filter(({ mspId }) => channel.members.includes(mspId))) {
    const { mspId } = organization;
    const member = group();
    const directory = join(peerOrganizationPath(path, organization), 'msp');
    setValue(member, 'MSP', mspConfig(mspId, directory, organization.domain));
    setSignaturePolicy(member, 'Readers', `OR('${mspId}.admin','${mspId}.peer','${mspId}.client')`);
    setSignaturePolicy(member, 'Writers', `OR('${mspId}.admin','${mspId}.client')`);
    setSignaturePolicy(member, ADMINS, `OR('${mspId}.admin')`);
    setSignaturePolicy(member, 'Endorsement', `OR('${mspId}.peer')`);
    const anchors = organization.peers.slice(0, 1).map(({ host, port }) => message(peer.AnchorPeer, { host, port }));
    setValue(member, 'AnchorPeers', message(peer.AnchorPeers, { anchorPeersList: anchors }));
    application.getGroupsMap().set(mspId, member);
  }
  return application;
}

function ordererGroup(topology: Topology, path: string): common.ConfigGroup {
  const { ordering, embedded, policies } = topology;
  const result = group();
  setCapability(result, 'V2_0');
  setImplicitPolicies(result, topology);
  setSignaturePolicy(result, ADMINS, policies.admins);
  setImplicitPolicy(result, 'BlockValidation', 'Writers');
  const { maxMessageCount, absoluteMaxBytes, preferredMaxBytes } = ordering;
  const batchSize = message(ordererProtos.BatchSize, { maxMessageCount, absoluteMaxBytes, preferredMaxBytes });
  const timeout = `${embedded.batchTimeoutMilliseconds}ms`;
  setValue(result, 'ConsensusType', message(ordererProtos.ConsensusType, { type: 'solo' }));
  setValue(result, 'BatchSize', batchSize);
  setValue(result, 'BatchTimeout', message(ordererProtos.BatchTimeout, { timeout }));
  const { organization } = blockSigner(topology);
  const { mspId, domain, orderers } = organization;
  const member = group();
  setValue(member, 'MSP', mspConfig(mspId, join(ordererOrganizationPath(path, organization), 'msp'), domain));
  setSignaturePolicy(member, 'Readers', `OR('${mspId}.member')`);
  setSignaturePolicy(member, 'Writers', `OR('${mspId}.member')`);
  setSignaturePolicy(member, ADMINS, `OR('${mspId}.admin')`);
  const addressesList = orderers.map(({ host, port }) => `${host}:${port}`);
  setValue(member, 'Endpoints', message(common.OrdererAddresses, { addressesList }));
  result.getGroupsMap().set(mspId, member);
  return result;
}

function setImplicitPolicies(target: common.ConfigGroup, { policies }: Topology): void {
  setImplicitPolicy(target, 'Readers', 'Readers');
  setImplicitPolicy(target, 'Writers', 'Writers');
  setSignaturePolicy(target, ADMINS, policies.admins);
}

/** ANY of the policies of that name one level below. */
function setImplicitPolicy(target: common.ConfigGroup, name: string, below: string): void {
  const policy = message(common.ImplicitMetaPolicy, { rule: common.ImplicitMetaPolicy.Rule.ANY, subPolicy: below });
  setPolicy(target, name, common.Policy.PolicyType.IMPLICIT_META, policy);
}

function setSignaturePolicy(target: common.ConfigGroup, name: string, text: string): void {
  setPolicy(target, name, common.Policy.PolicyType.SIGNATURE, new SignaturePolicy(text).toEnvelope());
}

function setPolicy(
  target: common.ConfigGroup,
  name: string,
  type: common.Policy.PolicyTypeMap[keyof common.Policy.PolicyTypeMap],
  content: Message,
): void {
  const policy = message(common.Policy, { type, value: content.serializeBinary() });
  target.getPoliciesMap().set(name, message(common.ConfigPolicy, { policy, modPolicy: ADMINS }));
}

function setCapability(target: common.ConfigGroup, name: string): void {
  const capabilities = new common.Capabilities();
  capabilities.getCapabilitiesMap().set(name, new common.Capability());
  setValue(target, 'Capabilities', capabilities);
}

function setValue(target: common.ConfigGroup, name: string, content: Message): void {
  const value = content.serializeBinary();
  target.getValuesMap().set(name, message(common.ConfigValue, { value, modPolicy: ADMINS }));
}

function group(): common.ConfigGroup {
  return message(common.ConfigGroup, { modPolicy: ADMINS });
}

function mspConfig(mspId: string, directory: string, domain: string): msp.MSPConfig {
  const root = readFileSync(join(directory, 'cacerts', `ca.${domain}-cert.pem`));
  const tlsRoot = readFileSync(join(directory, 'tlscacerts', `tlsca.${domain}-cert.pem`));
  const unit = (name: string): msp.FabricOUIdentifier =>
    message(msp.FabricOUIdentifier, { certificate: root, organizationalUnitIdentifier: name });
  const hashes = { signatureHashFamily: 'SHA2', identityIdentifierHashFunction: 'SHA256' };
  const fabric = message(msp.FabricMSPConfig, {
    name: mspId,
    rootCertsList: [root],
    tlsRootCertsList: [tlsRoot],
    fabricNodeOus: message(msp.FabricNodeOUs, {
      enable: true,
      clientOuIdentifier: unit('client'),
      peerOuIdentifier: unit('peer'),
      adminOuIdentifier: unit('admin'),
      ordererOuIdentifier: unit('orderer'),
    }),
    cryptoConfig: message(msp.FabricCryptoConfig, hashes),
  });
  return message(msp.MSPConfig, { type: X509_MSP_TYPE, config: fabric.serializeBinary() });
}

function signedEnvelope(channel: string, content: Message, signer: SigningIdentity): Uint8Array {
  const channelHeader = message(common.ChannelHeader, {
    type: common.HeaderType.CONFIG,
    version: 1,
    channelId: channel,
    timestamp: timestampProtos.Timestamp.fromDate(new Date(wallClockMilliseconds())),
  });
  const header = message(common.Header, {
    channelHeader: channelHeader.serializeBinary(),
    signatureHeader: newSignatureHeader(signer.serialized).serializeBinary(),
  });
  const payload = message(common.Payload, { header, data: content.serializeBinary() }).serializeBinary();
  return message(common.Envelope, { payload, signature: signer.sign(payload) }).serializeBinary();
}
