#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('flotilla-node: not built yet; run `npm start` or `npm run build` in the checkout first\n');
  process.exitCode = 70;
}
