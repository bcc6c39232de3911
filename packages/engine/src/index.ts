export { compareBytes, prefixEnd } from './byte-order.ts';
export { ClassicLevelEngine, type ClassicLevelOptions, openClassicLevelEngine } from './classic-level-engine.ts';
export { CorruptedRecordError, type RaftRecordKind, type RecordDamage } from './corrupted-record-error.ts';
export { checkDatabaseMark, databaseFormatVersion, isBlank } from './database-mark.ts';
export type {
  Engine,
  EngineReader,
  EngineSnapshot,
  IterateOptions,
  KeyRange,
  KeyValue,
  ScanOptions,
  WriteBatch,
  WriteOptions,
} from './engine.ts';
export { EngineError, type EngineErrorCode } from './engine-error.ts';
export {
  allRegionRaftRange,
  allRegionStateRange,
  applyStateKey,
  type ColumnFamily,
  columnFamilies,
  databaseMarkKey,
  dataKey,
  dataRange,
  isColumnFamily,
  logEntryKey,
  logEntryRange,
  parseRegionKey,
  prepareBootstrapKey,
  type RegionKey,
  raftStateKey,
  regionRaftRange,
  regionStateKey,
  storeIdentKey,
  userKey,
} from './key-layout.ts';
export { MemoryDisk, type MemoryDiskFaults, type MemoryDiskStep } from './memory-disk.ts';
export { MemoryEngine } from './memory-engine.ts';
export { type RaftLogExtent, RaftLogStore } from './raft-log-store.ts';
export {
  putApplyState,
  putPrepareBootstrap,
  putRegionState,
  putStoreIdent,
  readApplyState,
  readPrepareBootstrap,
  readRegionState,
  readStoreIdent,
} from './region-record.ts';
