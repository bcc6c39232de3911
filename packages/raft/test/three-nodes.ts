import { decodeConfChange, MemoryStorage, type Message, RawNode } from '@flotilla/raft';
import { createSeededRandom, silentLogger } from '@flotilla/runtime';

const voters = [1, 2, 3];
const confState = { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
const nodes = voters.map((id) => {
  const storage = new MemoryStorage();
  storage.applySnapshot({ data: new Uint8Array(0), metadata: { index: 1, term: 1, confState } });
  const core = new RawNode({ id, applied: 1 }, storage, { random: createSeededRandom(id), logger: silentLogger });
  return { storage, core, applied: [] as string[] };
});
const network: Message[] = [];

function work(): void {
  for (const { core, storage, applied } of nodes) {
    if (!core.hasReady()) continue;
    const ready = core.ready();
    if (ready.snapshot !== undefined) storage.applySnapshot(ready.snapshot);
    storage.append(ready.entries);
    if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
    network.push(...ready.messages); // Only now: what they promise is stored.
    for (const { type, data } of ready.committedEntries) {
      if (type === 'normal') applied.push(new TextDecoder().decode(data));
      else core.applyConfChange(decodeConfChange(type, data)!);
    }
    core.advance();
  }
  for (const message of network.splice(0)) nodes[message.to - 1]!.core.step(message);
}

nodes[0]!.core.campaign();
while (!nodes[0]!.core.isLeader) work();
nodes[0]!.core.propose(new TextEncoder().encode('hello'));
while (nodes.some(({ applied }) => !applied.includes('hello'))) work();

export const applied = nodes.map((node) => node.applied);
