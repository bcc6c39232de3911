export type {
  Engine,
  EngineReader,
  EngineSnapshot,
  KeyRange,
  KeyValue,
  ScanOptions,
  WriteBatch,
  WriteOptions,
} from './engine.ts';
