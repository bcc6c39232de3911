import { asBuffer, flotillapb, type MethodDefinition, tinykvpb } from '@flotilla/protocol';
import type { Logger, Timers } from '@flotilla/runtime';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { checkCluster } from './cluster-header.ts';
import type { ServerConfig } from './config.ts';
import { type CallObserver, decodeRequest, type GrpcService, undecoded } from './grpc-service.ts';
import { createLocalStore, type LocalStoreCalls } from './local-store.ts';
import { RequestError, statusOf } from './request-error.ts';
import type { TinyKvServiceOptions } from './tinykv-service.ts';

type Call = ServerDuplexStream<Buffer, flotillapb.CommandAnswerBatch>;

const { CommandMethod } = flotillapb;
const methods: ReadonlyMap<flotillapb.CommandMethod, MethodDefinition<unknown, unknown>> = new Map([
  [CommandMethod.RawGet, tinykvpb.TinyKv.rawGet as MethodDefinition<unknown, unknown>],
  [CommandMethod.RawPut, tinykvpb.TinyKv.rawPut as MethodDefinition<unknown, unknown>],
  [CommandMethod.RawDelete, tinykvpb.TinyKv.rawDelete as MethodDefinition<unknown, unknown>],
  [CommandMethod.RawBatchWrite, flotillapb.RawBatch.rawBatchWrite as MethodDefinition<unknown, unknown>],
  [CommandMethod.MachineCall, flotillapb.Machines.call as MethodDefinition<unknown, unknown>],
]);

/** Answers gathered in one turn leave as messages of about this size. */
const answerBytes = 1024 * 1024;

/** The service `flotillapb.Commands` of one store: raw calls and those of machines, many at a time over one stream. */
export function createCommandService(options: TinyKvServiceOptions): GrpcService {
  const { store, config, runtime } = options;
  const parts = {
    calls: createLocalStore(store, config),
    config,
    timers: runtime.timers,
    logger: runtime.logger,
    nowMs: () => runtime.clock.monotonicMs(),
    observe: options.observe ?? (() => {}),
  };
  const method = flotillapb.Commands.run;
  const streams = new Set<ServedStream>();
  let isDraining = false;
  return {
    definition: { run: undecoded(method) },
    implementation: {
      run: (call: Call) => {
        // Without a listener, an error of a stream whose sender has gone would end the process.
        call.on('error', () => {});
        try {
          checkCluster(call.metadata, store.clusterId);
          // Of all statuses, this one tells the caller that nothing was begun.
          if (isDraining) throw new RequestError('failedPrecondition', 'the store is shutting down');
        } catch (error) {
          call.emit('error', statusOf(error));
          return;
        }
        const stream = new ServedStream(call, parts, () => streams.delete(stream));
        streams.add(stream);
      },
    },
    drain() {
      isDraining = true;
      for (const stream of streams) stream.drain();
    },
  };
}

/** What a stream is served with. */
interface StreamParts {
  readonly calls: LocalStoreCalls;
  readonly config: ServerConfig;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly nowMs: () => number;
  readonly observe: CallObserver;
}

/** Runs the commands of one stream, and sends together what has been answered in one turn of the event loop. */
class ServedStream {
  readonly #call: Call;
  readonly #parts: StreamParts;
  readonly #onEnd: () => void;
  #underWay = 0;
  #answers: flotillapb.CommandAnswer[] = [];
  #isFlushDue = false;
  /** Whether the sender has sent its last. */
  #isEnding = false;
  #isDraining = false;
  #isBlocked = false;
  #hasEnded = false;

  constructor(call: Call, parts: StreamParts, onEnd: () => void) {
    this.#call = call;
    this.#parts = parts;
    this.#onEnd = onEnd;
    call.on('data', (bytes: Buffer) => this.#take(bytes));
    call.on('end', () => {
      this.#isEnding = true;
      this.#endWhenDone();
    });
    call.on('drain', () => {
      this.#isBlocked = false;
      this.#adjustFlow();
    });
    call.on('cancelled', () => this.#close());
    call.on('close', () => this.#close());
  }

  /**
   * Refuses what still comes and asks the sender to end, who alone knows what is on its way: a command that nobody reads any more
   * would leave its outcome unknown.
   */
  drain(): void {
    this.#isDraining = true;
    if (!this.#hasEnded) this.#call.write({ answers: [], isDraining: true });
  }

  #take(bytes: Buffer): void {
    let batch: flotillapb.CommandBatch;
    try {
      batch = decodeRequest(flotillapb.CommandBatch.decode, bytes);
    } catch (error) {
      this.#call.emit('error', statusOf(error));
      this.#close();
      return;
    }
    for (const command of batch.commands) this.#run(command);
    this.#adjustFlow();
  }

  #run({ id, method: name, request }: flotillapb.Command): void {
    const { observe, nowMs } = this.#parts;
    const method = methods.get(name);
    const startMs = nowMs();
    this.#underWay += 1;
    this.#execute(method, request).then(
      (response) => {
        if (method !== undefined) observe(method.path, 0, nowMs() - startMs);
        this.#answer({ id, code: 0, details: '', response });
      },
      (error: unknown) => {
        const { code, details } = statusOf(error);
        if (method !== undefined) observe(method.path, code, nowMs() - startMs);
        if (details.startsWith('internal error')) this.#parts.logger.error('a command failed', { id, error });
        this.#answer({ id, code, details, response: noBytes });
      },
    );
  }

  async #execute(method: MethodDefinition<unknown, unknown> | undefined, bytes: Uint8Array): Promise<Uint8Array> {
    const { calls, config } = this.#parts;
    if (this.#isDraining) throw new RequestError('unavailable', 'the store is shutting down');
    if (method === undefined) throw new RequestError('unimplemented', 'method: unknown');
    if (bytes.length > config.maxRequestBytes) {
      throw new RequestError(
        'invalidArgument',
        `request: ${bytes.length} bytes, the limit is ${config.maxRequestBytes}`,
      );
    }
    const answer = calls.call(method.path, decodeRequest(method.requestDeserialize, asBuffer(bytes)));
    if (answer === undefined) throw new RequestError('unimplemented', 'method: not offered by this server');
    return method.responseSerialize(await answer);
  }

  #answer(answer: flotillapb.CommandAnswer): void {
    this.#underWay -= 1;
    if (this.#hasEnded) return;
    this.#answers.push(answer);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#parts.timers.defer(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#hasEnded) return;
    const waiting = this.#answers;
    this.#answers = [];
    let bytes = 0;
    let first = 0;
    for (const [position, { response }] of waiting.entries()) {
      bytes += response.length;
      if (bytes < answerBytes && position < waiting.length - 1) continue;
      if (!this.#call.write({ answers: waiting.slice(first, position + 1), isDraining: false })) this.#isBlocked = true;
      first = position + 1;
      bytes = 0;
    }
    this.#adjustFlow();
    this.#endWhenDone();
  }

  /** Reads on while there is room for commands, and the answers of earlier ones get away. */
  #adjustFlow(): void {
    if (this.#hasEnded) return;
    const isFull = this.#isBlocked || this.#underWay >= this.#parts.config.maxStreamedCommands;
    if (isFull && !this.#call.isPaused()) this.#call.pause();
    else if (!isFull && this.#call.isPaused()) this.#call.resume();
  }

  #endWhenDone(): void {
    if (!this.#isEnding || this.#hasEnded || this.#underWay > 0 || this.#answers.length > 0) return;
    this.#call.end();
    this.#close();
  }

  #close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd();
  }
}

const noBytes = new Uint8Array(0);
