import type { ProgramDescription } from '@flotilla/program';
import { defaultStorageNodeConfig, resolveStorageNodeConfig, type StorageNodeConfig } from './config.ts';
import { nodeOptions } from './option.ts';

/** The command `flotilla-node`. */
export const storageNodeProgram: ProgramDescription<StorageNodeConfig> = {
  name: 'flotilla-node',
  description:
    'Runs a storage node. Without options: one node with its scheduler inside, data in ./data, loopback only.',
  options: nodeOptions,
  defaults: defaultStorageNodeConfig,
  fileVariable: 'FLOTILLA_CONFIG',
  lastGroup: 'Other',
  helpAfter: `
Each option can also be set by an environment variable (--data-dir by FLOTILLA_DATA_DIR, and so on) or in the file.
Flags win over the environment, the environment wins over the file.

Exit codes: 0 stopped · 64 invalid options · 65 damaged data · 70 internal error · 72 port in use ·
73 data directory cannot be written · 75 data directory in use · 76 data of another cluster · 78 data of another version ·
130 forced to stop`,
  resolve: resolveStorageNodeConfig,
};
