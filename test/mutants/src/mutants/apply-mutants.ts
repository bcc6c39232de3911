import type { Mutant } from '../mutant.ts';

/** Bugs in applying entries, and in answering them. */
export const applyMutants: readonly Mutant[] = [
  {
    id: 'apply-state-before-data',
    description: 'the applied index is written before the data that it speaks of',
    profile: 'crash',
    edits: [
      {
        module: 'raftstore/apply/apply-worker',
        find: 'for (const applier of this.#touched)\n            applier.saveState(this.#batch, sync);',
        replace:
          'const states = this.#options.kvEngine.batch();\n        for (const applier of this.#touched)\n            applier.saveState(states, true);\n        await this.#options.kvEngine.write(states, { sync: true });',
      },
    ],
  },
  {
    id: 'compaction-not-synced',
    description: 'the log is compacted past what is durable of the applied state',
    profile: 'storm',
    edits: [
      {
        module: 'raftstore/apply/apply-worker',
        find: "this.#mustSync ||= applied.change.type !== 'confChangeRefused';",
        replace: '',
      },
    ],
  },
  {
    id: 'delete-not-applied-by-followers',
    description: 'only the replica that proposed a delete applies it',
    profile: 'swarm',
    edits: [
      {
        module: 'raftstore/apply/region-applier',
        find: 'request ?? raft_cmdpb.RaftCmdRequest.decode(entry.data), batch);',
        replace: 'request ?? withoutDeletes(raft_cmdpb.RaftCmdRequest.decode(entry.data)), batch);',
      },
      {
        module: 'raftstore/apply/region-applier',
        find: 'export function epochOfRequest(',
        replace:
          'function withoutDeletes(request) {\n    return { ...request, requests: request.requests.filter((one) => one.delete === undefined) };\n}\nexport function epochOfRequest(',
      },
    ],
  },
  {
    id: 'overwritten-proposal-answered-ok',
    description: 'a command whose entry was overwritten is answered as if it had been applied',
    profile: 'ambush',
    edits: [
      {
        module: 'raftstore/peer/proposal-queue',
        find: 'next.reply(failed(staleCommand(), entry.term));',
        replace:
          'const { response } = failed(staleCommand(), entry.term);\n                    const responses = next.request.requests.map(({ cmdType }) => ({ cmdType, put: {}, delete: {} }));\n                    next.reply({ response: { ...response, header: { ...response.header, error: undefined }, responses } });',
      },
    ],
  },
  {
    id: 'answer-dropped',
    description: 'some commands are never answered',
    profile: 'swarm',
    edits: [
      {
        module: 'raftstore/apply/apply-worker',
        find: 'for (const [{ reply }, result] of answers)\n            reply(result);',
        replace:
          'for (const [{ index, reply }, result] of answers)\n            if (index % 16 !== 0)\n                reply(result);',
      },
    ],
  },
  {
    id: 'answered-before-committed',
    description: 'a write is answered when it is proposed',
    profile: 'ambush',
    edits: [
      {
        module: 'raftstore/peer/command-proposer',
        find: 'enqueue(peer, request, reply);',
        replace:
          'enqueue(peer, request, () => {});\n    if (request.adminRequest === undefined)\n        reply({ response: raft_cmdpb.RaftCmdResponse.create({ header: { currentTerm: peer.term }, responses: request.requests.map(({ cmdType }) => raft_cmdpb.Response.create({ cmdType, put: {}, delete: {} })) }) });\n    else\n        reply({ response: raft_cmdpb.RaftCmdResponse.create({ header: { currentTerm: peer.term } }) });',
      },
    ],
  },
  {
    id: 'answered-twice',
    description: 'some commands are answered twice',
    profile: 'swarm',
    edits: [
      {
        module: 'raftstore/apply/apply-worker',
        find: 'for (const [{ reply }, result] of answers)\n            reply(result);',
        replace:
          'for (const [{ index, reply }, result] of answers) {\n            reply(result);\n            if (index % 16 === 0)\n                reply(result);\n        }',
      },
    ],
  },
  {
    id: 'empty-value-deletes',
    description: 'an empty value is taken for none',
    profile: 'swarm',
    edits: [
      {
        module: 'raftstore/apply/command',
        find: 'batch.put(dataKey(operation.family, operation.key), operation.value);',
        replace:
          'if (operation.value.length === 0)\n                batch.delete(dataKey(operation.family, operation.key));\n            else\n                batch.put(dataKey(operation.family, operation.key), operation.value);',
      },
    ],
  },
  {
    id: 'applied-again-later',
    description: 'some commands are applied a second time, after the command behind them',
    profile: 'swarm',
    edits: [
      {
        module: 'raftstore/apply/region-applier',
        find: 'const outcome = applyWrites(request, this.#region, batch);',
        replace:
          'const outcome = applyWrites(request, this.#region, batch);\n        if (this.before !== undefined && entry.index % 4 === 0)\n            applyWrites(this.before, this.#region, batch);\n        this.before = request;',
      },
    ],
  },
  {
    id: 'write-with-stale-epoch',
    description: 'a write is applied although a split has moved its key to another region',
    profile: 'ambush',
    edits: [
      {
        module: 'raftstore/apply/region-applier',
        find: 'if (epochOfRequest(request).version !== epochOf(this.#region).version) {',
        replace: 'if (false) {',
      },
      {
        module: 'raftstore/apply/command',
        find: 'if (!isKeyInRegion(operation.key, region))',
        replace: 'if (false)',
      },
    ],
  },
];
