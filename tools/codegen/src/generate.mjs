// Generates strict TypeScript codecs from .proto files: `generate.mjs PROTO_DIRECTORY OUTPUT_DIRECTORY`.
// One module per proto package. Messages are plain readonly objects with every field present, so that spreading and
// comparing them is safe; the bytes are read and written with the Reader and Writer of protobufjs.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { renderModule } from './module.mjs';

const [protoDirectory, outputDirectory] = process.argv.slice(2);
if (protoDirectory === undefined || outputDirectory === undefined) {
  process.stderr.write('usage: generate.mjs PROTO_DIRECTORY OUTPUT_DIRECTORY\n');
  process.exit(64);
}

const require = createRequire(resolve(process.cwd(), 'package.json'));
const protobuf = require('protobufjs');

rmSync(outputDirectory, { recursive: true, force: true });
mkdirSync(outputDirectory, { recursive: true });
for (const file of readdirSync(protoDirectory).filter((name) => name.endsWith('.proto'))) {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(protoDirectory, basename(target));
  root.loadSync(file).resolveAll();
  const name = basename(file, '.proto');
  writeFileSync(
    join(outputDirectory, `${name.replaceAll('_', '-')}.ts`),
    renderModule(protobuf, root.lookup(name), file),
  );
}
