export {
  defaultStorageNodeConfig,
  resolveStorageNodeConfig,
  type StorageNodeConfig,
  StorageNodeConfigError,
  testStorageNodeConfig,
} from './config.ts';
export { NodeError, type NodeErrorCode } from './node-error.ts';
export { type StartOptions, startStorageNode } from './start-storage-node.ts';
export type { NodeAddresses, StorageNode } from './storage-node.ts';
