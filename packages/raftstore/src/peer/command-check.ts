import { type errorpb, type metapb, raft_cmdpb } from '@flotilla/protocol';
import { epochOf, type RegionTree } from '@flotilla/scheduler-client';
import { type Operation, operationOf } from '../apply/command.ts';
import { epochOfRequest } from '../apply/region-applier.ts';
import type { RaftStoreConfig } from '../config.ts';
import { isKeyInRegion } from '../region.ts';
import {
  epochNotMatch,
  invalidRequest,
  keyNotInRegion,
  notLeader,
  staleCommand,
  storeNotMatch,
} from '../region-error.ts';
import { neighboursOf } from './current-regions.ts';

/** What a command is checked against. */
export interface CommandTarget {
  readonly storeId: number;
  readonly peerId: number;
  readonly region: metapb.Region;
  /** The regions of the store, of which some may have been split from this one. */
  readonly regions: RegionTree<{ readonly region: metapb.Region }>;
  readonly isLeader: boolean;
  readonly leader: metapb.Peer | undefined;
  readonly term: number;
}

/** What a command is, once it has been found well-formed. */
export type CommandKind = 'read' | 'write' | 'admin';

/** A command's kind, or the reason why it can never be run, whoever leads the region. */
export function classifyCommand(
  request: raft_cmdpb.RaftCmdRequest,
  config: RaftStoreConfig,
): CommandKind | errorpb.Error {
  if (request.adminRequest !== undefined) {
    return request.requests.length === 0
      ? 'admin'
      : invalidRequest('requests', 'an admin command has no other operations');
  }
  const { length } = request.requests;
  if (length === 0) return invalidRequest('requests', 'a command has at least one operation');
  if (length > config.maxBatchOperations) {
    return invalidRequest('requests', `${length} operations, the limit is ${config.maxBatchOperations}`);
  }
  let kind: CommandKind | undefined;
  for (const [position, one] of request.requests.entries()) {
    const field = `requests[${position}]`;
    const operation = operationOf(one);
    if (operation === undefined) return invalidRequest(field, 'not an operation on a known column family');
    if (operation.type === 'call' && length > 1) return invalidRequest('requests', 'a call is a command of its own');
    const wanted = isRead(operation) ? 'read' : 'write';
    kind ??= wanted;
    if (kind !== wanted) return invalidRequest(field, 'a command either reads or writes');
    if (operation.type === 'snap') continue;
    if (operation.key.length > config.maxKeyBytes) {
      return invalidRequest(`${field}.key`, `${operation.key.length} bytes, the limit is ${config.maxKeyBytes}`);
    }
    if (operation.type === 'put' && operation.value.length > config.maxValueBytes) {
      return invalidRequest(`${field}.value`, `${operation.value.length} bytes, the limit is ${config.maxValueBytes}`);
    }
  }
  return kind ?? 'read';
}

function isRead(operation: Operation): boolean {
  return operation.type === 'call' ? operation.isRead : operation.type === 'get' || operation.type === 'snap';
}

/** Why this peer cannot take the command now: store, leader, peer, term, epoch and keys, in this order. */
export function checkCommand(request: raft_cmdpb.RaftCmdRequest, target: CommandTarget): errorpb.Error | undefined {
  const { header } = request;
  const { region } = target;
  if (header?.peer !== undefined && header.peer.storeId !== target.storeId) {
    return storeNotMatch(header.peer.storeId, target.storeId);
  }
  if (!target.isLeader) return notLeader(region.id, target.leader);
  if (header?.peer !== undefined && header.peer.id !== 0 && header.peer.id !== target.peerId) {
    return invalidRequest('header.peer', `peer ${header.peer.id} is not here, peer ${target.peerId} is`);
  }
  // One term of grace: a client learns of a new term only from the answers it gets.
  if (header !== undefined && header.term > 0 && header.term + 1 < target.term) return staleCommand();
  return checkEpoch(request, region, target.regions) ?? checkKeys(request, region);
}

/** Why the sender's epoch is too old, or too new, for what it asks for. */
export function checkEpoch(
  request: raft_cmdpb.RaftCmdRequest,
  region: metapb.Region,
  regions: RegionTree<{ readonly region: metapb.Region }>,
): errorpb.Error | undefined {
  const { AdminCmdType } = raft_cmdpb;
  const type = request.adminRequest?.cmdType;
  if (type === AdminCmdType.CompactLog || type === AdminCmdType.ComputeHash || type === AdminCmdType.VerifyHash) {
    return undefined;
  }
  const changesMembers = type === AdminCmdType.ChangePeer || type === AdminCmdType.ChangePeerV2;
  const needsVersion = !changesMembers;
  const splits = type === AdminCmdType.Split || type === AdminCmdType.BatchSplit;
  const needsConfVer = changesMembers || splits || type === AdminCmdType.TransferLeader;
  const asked = epochOfRequest(request);
  const current = epochOf(region);
  const matches =
    (!needsVersion || asked.version === current.version) && (!needsConfVer || asked.confVer === current.confVer);
  return matches ? undefined : epochNotMatch([region, ...neighboursOf(regions, region, asked)]);
}

/** The error for the first key outside the region. */
export function checkKeys(request: raft_cmdpb.RaftCmdRequest, region: metapb.Region): errorpb.Error | undefined {
  for (const one of request.requests) {
    const operation = operationOf(one);
    if (operation === undefined || operation.type === 'snap') continue;
    if (!isKeyInRegion(operation.key, region)) return keyNotInRegion(operation.key, region);
  }
  return undefined;
}
