// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { common, msp, orderer as ordererProtos, peer } from '@hyperledger/fabric-protos';
import timestampProtos from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { ordererOrganizationPath, peerOrganizationPath } from '../../topology/network-directory.js';
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
  setValue(
    root,
    'HashingAlgorithm',
    configured(new common.HashingAlgorithm(), (value) => value.setName('SHA256')),
  );
  setValue(root, 'BlockDataHashingStructure', widestTree());
  setCapability(root, 'V2_0');
  setImplicitPolicies(root, topology);
  root.getGroupsMap().set('Application', applicationGroup(topology, channel, organizations));
  root.getGroupsMap().set('Orderer', ordererGroup(topology, organizations));
  const config = new common.Config();
  config.setChannelGroup(root);
  const envelope = new common.ConfigEnvelope();
  envelope.setConfig(config);
  return signedEnvelope(channel.name, envelope, orderer);
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
    setValue(
      member,
      'MSP',
      mspConfig(mspId, join(peerOrganizationPath(path, organization), 'msp'), organization.domain),
    );
    setSignaturePolicy(member, 'Readers', `OR('${mspId}.admin','${mspId}.peer','${mspId}.client')`);
    setSignaturePolicy(member, 'Writers', `OR('${mspId}.admin','${mspId}.client')`);
    setSignaturePolicy(member, ADMINS, `OR('${mspId}.admin')`);
    setSignaturePolicy(member, 'Endorsement', `OR('${mspId}.peer')`);
    setValue(member, 'AnchorPeers', anchorPeers(organization.peers.slice(0, 1)));
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
  setValue(
    result,
    'ConsensusType',
    configured(new ordererProtos.ConsensusType(), (value) => value.setType('solo')),
  );
  setValue(
    result,
    'BatchSize',
    configured(new ordererProtos.BatchSize(), (value) => {
      value.setMaxMessageCount(ordering.maxMessageCount);
      value.setAbsoluteMaxBytes(ordering.absoluteMaxBytes);
      value.setPreferredMaxBytes(ordering.preferredMaxBytes);
    }),
  );
  setValue(
    result,
    'BatchTimeout',
    configured(new ordererProtos.BatchTimeout(), (value) => value.setTimeout(`${embedded.batchTimeoutMilliseconds}ms`)),
  );
  const { organization } = blockSigner(topology);
  const { mspId, domain, orderers } = organization;
  const member = group();
  setValue(member, 'MSP', mspConfig(mspId, join(ordererOrganizationPath(path, organization), 'msp'), domain));
  setSignaturePolicy(member, 'Readers', `OR('${mspId}.member')`);
  setSignaturePolicy(member, 'Writers', `OR('${mspId}.member')`);
  setSignaturePolicy(member, ADMINS, `OR('${mspId}.admin')`);
  const endpoints = orderers.map(({ host, port }) => `${host}:${port}`);
  setValue(
    member,
    'Endpoints',
    configured(new common.OrdererAddresses(), (value) => value.setAddressesList(endpoints)),
  );
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
  const policy = new common.ImplicitMetaPolicy();
  policy.setRule(common.ImplicitMetaPolicy.Rule.ANY);
  policy.setSubPolicy(below);
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
  const policy = new common.Policy();
  policy.setType(type);
  policy.setValue(content.serializeBinary());
  const entry = new common.ConfigPolicy();
  entry.setPolicy(policy);
  entry.setModPolicy(ADMINS);
  target.getPoliciesMap().set(name, entry);
}

function setCapability(target: common.ConfigGroup, name: string): void {
  const capabilities = new common.Capabilities();
  capabilities.getCapabilitiesMap().set(name, new common.Capability());
  setValue(target, 'Capabilities', capabilities);
}

function setValue(target: common.ConfigGroup, name: string, content: Message): void {
  const value = new common.ConfigValue();
  value.setValue(content.serializeBinary());
  value.setModPolicy(ADMINS);
  target.getValuesMap().set(name, value);
}

function group(): common.ConfigGroup {
  return configured(new common.ConfigGroup(), (value) => value.setModPolicy(ADMINS));
}

/** Blocks are hashed flat, which Fabric writes as a tree of the greatest width. */
function widestTree(): common.BlockDataHashingStructure {
  return configured(new common.BlockDataHashingStructure(), (value) => value.setWidth(0xffff_ffff));
}

function anchorPeers(peers: readonly { readonly host: string; readonly port: number }[]): peer.AnchorPeers {
  const anchors = new peer.AnchorPeers();
  for (const { host, port } of peers) {
    anchors.addAnchorPeers(
      configured(new peer.AnchorPeer(), (anchor) => {
        anchor.setHost(host);
        anchor.setPort(port);
      }),
    );
  }
  return anchors;
}

function mspConfig(mspId: string, directory: string, domain: string): msp.MSPConfig {
  const root = readFileSync(join(directory, 'cacerts', `ca.${domain}-cert.pem`));
  const tlsRoot = readFileSync(join(directory, 'tlscacerts', `tlsca.${domain}-cert.pem`));
  const unit = (name: string): msp.FabricOUIdentifier =>
    configured(new msp.FabricOUIdentifier(), (identifier) => {
      identifier.setCertificate(root);
      identifier.setOrganizationalUnitIdentifier(name);
    });
  const nodeUnits = new msp.FabricNodeOUs();
  nodeUnits.setEnable(true);
  nodeUnits.setClientOuIdentifier(unit('client'));
  nodeUnits.setPeerOuIdentifier(unit('peer'));
  nodeUnits.setAdminOuIdentifier(unit('admin'));
  nodeUnits.setOrdererOuIdentifier(unit('orderer'));
  const crypto = new msp.FabricCryptoConfig();
  crypto.setSignatureHashFamily('SHA2');
  crypto.setIdentityIdentifierHashFunction('SHA256');
  const fabric = new msp.FabricMSPConfig();
  fabric.setName(mspId);
  fabric.setRootCertsList([root]);
  fabric.setTlsRootCertsList([tlsRoot]);
  fabric.setFabricNodeOus(nodeUnits);
  fabric.setCryptoConfig(crypto);
  const config = new msp.MSPConfig();
  config.setType(X509_MSP_TYPE);
  config.setConfig(fabric.serializeBinary());
  return config;
}

function signedEnvelope(channel: string, content: Message, signer: SigningIdentity): Uint8Array {
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.CONFIG);
  channelHeader.setVersion(1);
  channelHeader.setChannelId(channel);
  channelHeader.setTimestamp(timestampProtos.Timestamp.fromDate(new Date(wallClockMilliseconds())));
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  header.setSignatureHeader(newSignatureHeader(signer.serialized).serializeBinary());
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(content.serializeBinary());
  const bytes = payload.serializeBinary();
  const envelope = new common.Envelope();
  envelope.setPayload(bytes);
  envelope.setSignature(signer.sign(bytes));
  return envelope.serializeBinary();
}

function configured<T>(message: T, set: (message: T) => void): T {
  set(message);
  return message;
}
