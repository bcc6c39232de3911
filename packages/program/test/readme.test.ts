import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { echoConfig } from './readme-example.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('shows in the README exactly the code that runs here', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-example.ts')}\`\`\``);
});

test('does what the README says', () => {
  const environment = { FLOTILLA_ECHO_LISTEN: '127.0.0.1:1', FLOTILLA_ECHO_KEEP_MS: '5' };
  expect(echoConfig({ flags: { listen: '127.0.0.1:2' }, environment })).toEqual({ listen: '127.0.0.1:2', keepMs: 5 });
});
