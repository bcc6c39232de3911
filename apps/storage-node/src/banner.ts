import { styleText } from 'node:util';
import { defaultStorageNodeConfig, type StorageNodeConfig } from './config.ts';
import type { StorageNode } from './storage-node.ts';

/** What a person reads once the node is up: what runs where, and what to try next. */
export function bannerOf(node: StorageNode, config: StorageNodeConfig, version: string, showsColour: boolean): string {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    showsColour ? styleText(format, text, { validateStream: false }) : text;
  const { addresses } = node;
  const where = node.hasScheduler ? 'inside this process' : 'another process';
  const rows = [
    ['data', config.dataDir, `cluster ${node.clusterId}, store ${node.storeId}`],
    ['clients', addresses.grpc, 'gRPC'],
    ['http', `http://${addresses.http}`, '/livez /readyz /metrics /status'],
    ['scheduler', addresses.scheduler, where],
  ];
  const width = Math.max(...rows.map((row) => row[1]!.length));
  const flag =
    addresses.scheduler === defaultStorageNodeConfig.schedulerListen ? '' : ` --scheduler ${addresses.scheduler}`;
  return [
    '',
    `${style('bold', `Flotilla storage node ${version}`)} ${style('green', 'is ready.')}`,
    '',
    ...rows.map(
      ([name, value, note]) => `  ${style('dim', name!.padEnd(11))}${value!.padEnd(width + 3)}${style('dim', note!)}`,
    ),
    '',
    'Try in another terminal:',
    `  npx flotilla${flag} put hello world`,
    `  npx flotilla${flag} get hello`,
    `  npx flotilla${flag} status`,
    '',
    'Ctrl-C stops the node; the data stays.',
    '',
    '',
  ].join('\n');
}
