import { setMaxListeners } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { createRawClient, type RawClient } from '@flotilla/client';
import type { Random, Runtime } from '@flotilla/runtime';
import { GrpcSchedulerClient } from '@flotilla/scheduler-client';
import { formatHistory, HistoryRecorder } from '@flotilla/test-harness';
import { elementKey, registerKeys, registerPrefix, registersAtOnce, setPrefix } from './key-space.ts';
import { type WorkloadOptions, type WorkloadProgress, type WorkloadReport, wallMs } from './message.ts';
import { finalProcess, patientReader, registerScanner, setReader } from './process-number.ts';
import { RecordedClient, type Recording, Tally } from './recorded-client.ts';

/** How long registers are used before others take their place: what a checker has to search stays short. */
const generationMs = 15_000;
/** Elements of a set before the next one begins. */
const setElements = 200;
/** Between two scans of one reader. */
const scanPauseMs = 1_000;
const flushPauseMs = 500;
/** Between two reads of the patient reader, and how many of its reads may wait. */
const patience = { pauseMs: 50, reads: 200 };
/**
 * Clients by what an operation of theirs may take. Each learns of the regions by itself: while one still waits for a leader that
 * is gone, another has found the next one.
 */
const tempers = [
  { timeoutMs: 3_000, attemptTimeoutMs: 1_000, keepaliveTimeoutMs: 3_000 },
  { timeoutMs: 600, attemptTimeoutMs: 300, keepaliveTimeoutMs: 3_000 },
  { timeoutMs: 25_000, attemptTimeoutMs: 25_000, keepaliveTimeoutMs: 25_000 },
] as const;
const patient = 2;
/** How long reading everything in the end may take before it counts as impossible. */
const finalLimitMs = 90_000;
/** Events that are written at once. */
const flushEvents = 5_000;

/** Clients that write, read and scan until they are told to stop, and the history of it, which goes to a file as it grows. */
export class Workload {
  readonly #options: WorkloadOptions;
  readonly #runtime: Runtime;
  readonly #report: (report: WorkloadReport) => void;
  readonly #file: FileHandle;
  readonly #scheduler: GrpcSchedulerClient;
  readonly #clients: readonly RawClient[];
  readonly #recorded: readonly RecordedClient[];
  readonly #history: HistoryRecorder;
  readonly #tally = new Tally();
  readonly #stopping = new AbortController();
  readonly #startedAtMs: number;
  #loops: Promise<unknown> = Promise.resolve();
  #elements = 0;
  #written = 0;

  private constructor(
    options: WorkloadOptions,
    runtime: Runtime,
    report: (report: WorkloadReport) => void,
    file: FileHandle,
    scheduler: GrpcSchedulerClient,
  ) {
    this.#options = options;
    this.#runtime = runtime;
    this.#report = report;
    this.#file = file;
    this.#scheduler = scheduler;
    this.#clients = tempers.map(({ attemptTimeoutMs, keepaliveTimeoutMs }) => {
      const config = { connectTimeoutMs: 1_000, scanPagePairs: 128, attemptTimeoutMs, keepaliveTimeoutMs };
      return createRawClient({ schedulerClient: scheduler, runtime, config });
    });
    // One for each loop that waits.
    setMaxListeners(0, this.#stopping.signal);
    this.#startedAtMs = wallMs();
    this.#history = new HistoryRecorder(runtime.clock);
    const recording: Recording = { history: this.#history, onOddity: (text) => report({ type: 'oddity', text }) };
    this.#recorded = this.#clients.map(
      (client, position) => new RecordedClient(client, recording, this.#tally, tempers[position]!.timeoutMs),
    );
  }

  /** Connects, and starts the clients. */
  static async start(
    options: WorkloadOptions,
    runtime: Runtime,
    report: (report: WorkloadReport) => void,
  ): Promise<Workload> {
    const scheduler = await GrpcSchedulerClient.connect({ endpoints: [options.schedulerAddress], runtime });
    const workload = new Workload(options, runtime, report, await open(options.historyPath, 'w'), scheduler);
    report({ type: 'started', originMs: workload.#startedAtMs });
    const clients = Array.from({ length: options.clients }, (_, process) => workload.#clientLoop(process));
    const others = [workload.#scanLoop(), workload.#setLoop(), workload.#patientLoop(), workload.#flushLoop()];
    workload.#loops = Promise.all([...clients, ...others]);
    return workload;
  }

  get progress(): WorkloadProgress {
    return { ...this.#tally };
  }

  /** Stops the clients, reads everything once more when asked to, and completes the history. */
  async finish(readsAll: boolean): Promise<string | undefined> {
    this.#stopping.abort();
    await this.#loops;
    const complaint = readsAll ? await this.#readAll() : undefined;
    await this.#flush();
    await this.#file.close();
    for (const client of this.#clients) await client.close();
    await this.#scheduler.close();
    return complaint;
  }

  async #clientLoop(process: number): Promise<void> {
    const { clients, rate, seed } = this.#options;
    const random = this.#runtime.random.fork(`client ${process} ${seed}`);
    const client = this.#recorded[process % patient]!;
    const periodMs = (1_000 * clients) / rate;
    for (let count = 0; !this.#isStopping; count += 1) {
      const beganAtMs = wallMs();
      await this.#operate(client, process, `${process}.${count}`, random);
      await this.#pause(periodMs * (0.5 + random.fraction()) - (wallMs() - beganAtMs));
    }
  }

  #operate(client: RecordedClient, process: number, id: string, random: Random): Promise<void> {
    const dice = random.fraction();
    if (dice < 0.3) {
      const element = this.#elements;
      this.#elements += 1;
      const set = this.#setOf(element);
      return client.add(process, setPrefix(set), element, elementKey(set, element));
    }
    const key = registerKeys(this.#generation)[random.integer(0, registersAtOnce)]!;
    if (dice < 0.6) return client.put(process, key, id);
    return dice < 0.65 ? client.delete(process, key) : client.get(process, key);
  }

  async #scanLoop(): Promise<void> {
    const client = this.#recorded[0]!;
    while (!this.#isStopping) {
      const generation = this.#generation;
      await client.scanRegisters(registerScanner, registerPrefix(generation), registerKeys(generation));
      await this.#pause(scanPauseMs);
    }
  }

  async #setLoop(): Promise<void> {
    const random = this.#runtime.random.fork('sets');
    const client = this.#recorded[0]!;
    while (!this.#isStopping) {
      const latest = this.#setOf(this.#elements);
      const prefix = setPrefix(random.fraction() < 0.5 ? latest : random.integer(0, latest + 1));
      await client.scanSets(setReader, prefix, [prefix]);
      await this.#pause(scanPauseMs);
    }
  }

  /**
   * Goes on asking whom it takes for the leader, without giving up on it. So there are reads in front of a leader that stood
   * still and was replaced, the moment it goes on.
   */
  async #patientLoop(): Promise<void> {
    const random = this.#runtime.random.fork('patient');
    const client = this.#recorded[patient]!;
    const { pauseMs, reads } = patience;
    const free = Array.from({ length: reads }, (_, slot) => patientReader + slot);
    const waiting = new Set<Promise<void>>();
    while (!this.#isStopping) {
      const process = free.pop();
      if (process !== undefined) {
        const key = registerKeys(this.#generation)[random.integer(0, registersAtOnce)]!;
        const read = client.get(process, key, this.#stopping.signal).finally(() => {
          free.push(process);
          waiting.delete(read);
        });
        waiting.add(read);
      }
      await this.#pause(pauseMs);
    }
    await Promise.all(waiting);
  }

  async #flushLoop(): Promise<void> {
    while (!this.#isStopping) {
      await this.#flush();
      this.#report({ type: 'progress', progress: this.progress });
      await this.#pause(flushPauseMs);
    }
  }

  /** Reads every register and every set there ever was; says why when it cannot. */
  async #readAll(): Promise<string | undefined> {
    const keys = Array.from({ length: this.#generation + 1 }, (_, generation) => registerKeys(generation)).flat();
    const sets = Array.from({ length: this.#setOf(this.#elements) + 1 }, (_, set) => setPrefix(set));
    const [client] = this.#recorded;
    const deadlineMs = wallMs() + finalLimitMs;
    for (const scan of [
      () => client!.scanRegisters(finalProcess, 'r/', keys),
      () => client!.scanSets(finalProcess, 's/', sets),
    ]) {
      while (!(await scan())) {
        if (wallMs() > deadlineMs) return `not everything could be read within ${finalLimitMs / 1_000} s`;
        await this.#runtime.timers.sleep(scanPauseMs);
      }
    }
    return undefined;
  }

  async #flush(): Promise<void> {
    const { events } = this.#history;
    while (this.#written < events.length) {
      const chunk = events.slice(this.#written, this.#written + flushEvents);
      this.#written += chunk.length;
      await this.#file.write(formatHistory(chunk));
    }
  }

  #setOf(element: number): number {
    return Math.floor(element / setElements);
  }

  get #generation(): number {
    return Math.floor((wallMs() - this.#startedAtMs) / generationMs);
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await this.#runtime.timers.sleep(ms, this.#stopping.signal).catch(() => {});
  }
}
