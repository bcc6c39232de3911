import { errorpb, type metapb, raft_cmdpb } from '@flotilla/protocol';
import type { CommandResult } from './store-handle.ts';

/** An answer that carries nothing but an error; `term` is the peer's, 0 when there is none. */
export function failed(error: errorpb.Error, term = 0): CommandResult {
  return {
    response: raft_cmdpb.RaftCmdResponse.create({
      header: raft_cmdpb.RaftResponseHeader.create({ error, currentTerm: term }),
    }),
  };
}

/** The peer does not lead the region; `leader` does, when one is known. Nothing took effect. */
export function notLeader(regionId: number, leader: metapb.Peer | undefined): errorpb.Error {
  return errorpb.Error.create({
    message: `this peer does not lead region ${regionId}`,
    notLeader: errorpb.NotLeader.create({ regionId, leader }),
  });
}

/** The store has no peer of the region. Nothing took effect. */
export function regionNotFound(regionId: number): errorpb.Error {
  return errorpb.Error.create({
    message: `region ${regionId} is not on this store`,
    regionNotFound: errorpb.RegionNotFound.create({ regionId }),
  });
}

/** The store has no replica of the region of that machine. Nothing took effect. */
export function machineNotHere(name: string): errorpb.Error {
  return errorpb.Error.create({
    message: `no replica of the machine ${name} is on this store`,
    regionNotFound: errorpb.RegionNotFound.create(),
  });
}

/** The key is outside the region. Nothing took effect. */
export function keyNotInRegion(key: Uint8Array, region: metapb.Region): errorpb.Error {
  return errorpb.Error.create({
    message: `the key is outside region ${region.id}`,
    keyNotInRegion: errorpb.KeyNotInRegion.create({
      key,
      regionId: region.id,
      startKey: region.startKey,
      endKey: region.endKey,
    }),
  });
}

/** The sender's picture of the region is out of date; `currentRegions` is the new one. Nothing took effect. */
export function epochNotMatch(currentRegions: readonly metapb.Region[]): errorpb.Error {
  return errorpb.Error.create({
    message: 'the epoch of the region has changed',
    epochNotMatch: errorpb.EpochNotMatch.create({ currentRegions }),
  });
}

/** The term has moved on, or another entry took the command's place in the log. Nothing took effect. */
export function staleCommand(): errorpb.Error {
  return errorpb.Error.create({ message: 'the command is stale', staleCommand: errorpb.StaleCommand.create() });
}

/** The command was sent to the wrong store. Nothing took effect. */
export function storeNotMatch(requestStoreId: number, actualStoreId: number): errorpb.Error {
  return errorpb.Error.create({
    message: `the command is for store ${requestStoreId}, this is store ${actualStoreId}`,
    storeNotMatch: errorpb.StoreNotMatch.create({ requestStoreId, actualStoreId }),
  });
}

/** Something is full or closing; `reason` names it. Nothing took effect. */
export function serverIsBusy(reason: string): errorpb.Error {
  return errorpb.Error.create({
    message: `the store is busy: ${reason}`,
    serverIsBusy: errorpb.ServerIsBusy.create({ reason }),
  });
}

/** The encoded command is larger than an entry may be. Nothing took effect. */
export function raftEntryTooLarge(regionId: number, entrySize: number, limit: number): errorpb.Error {
  return errorpb.Error.create({
    message: `the command takes ${entrySize} bytes, the limit is ${limit}`,
    raftEntryTooLarge: errorpb.RaftEntryTooLarge.create({ regionId, entrySize, limit }),
  });
}

/** The command was proposed and nobody can tell whether it took or will take effect. */
export function outcomeUnknown(reason: string): errorpb.Error {
  return errorpb.Error.create({
    message: `the outcome is unknown: ${reason}`,
    outcomeUnknown: errorpb.OutcomeUnknown.create({ reason }),
  });
}

/** The command is not one that can be run; `reason` tells the value's shape and the limit. Nothing took effect. */
export function invalidRequest(field: string, reason: string): errorpb.Error {
  return errorpb.Error.create({
    message: `${field}: ${reason}`,
    invalidRequest: errorpb.InvalidRequest.create({ field, reason }),
  });
}
