// Writes one key from a thread of its own through the built package, then closes the database or simply ends.
import { workerData } from 'node:worker_threads';
import { openClassicLevelEngine } from '../dist/index.js';

const engine = await openClassicLevelEngine({ path: workerData.path });
const batch = engine.batch();
batch.put(Buffer.from(workerData.key), Buffer.from('from a thread'));
await engine.write(batch, { sync: true });
if (workerData.end === 'close') await engine.close();
else process.exit(0);
