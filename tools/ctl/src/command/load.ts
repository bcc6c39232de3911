import type { Pair } from '@flotilla/client';
import type { ClusterConnection } from '../cluster-connection.ts';
import { type Command, type CommandContext, CommandError, withConnection } from '../command-context.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { classifyPutFailure, describeFailure } from '../failure.ts';
import { CheckpointKeeper } from '../load/checkpoint-keeper.ts';
import { readLines } from '../load/line-reader.ts';
import { fileInput, firstBytesOf, type LoadInput, streamInput } from '../load/load-input.ts';
import { type LoadEnd, Loader } from '../load/loader.ts';
import { PrefixFingerprint } from '../load/prefix-fingerprint.ts';
import { grouped, shortDuration } from '../load/progress.ts';
import { ProgressDisplay } from '../load/progress-display.ts';
import { defaultPutBatcherConfig, PutBatcher } from '../load/put-batcher.ts';
import { detectFormat, isBlankLine, type LoadFormat, parseRecordLine, type RecordLine } from '../load/record-line.ts';
import { defaultRecordWriterConfig, RecordWriter } from '../load/record-writer.ts';
import { findResumePoint, freshStart } from '../load/resume-point.ts';
import { type EncodingOptions, encodingOf } from '../text-argument.ts';

/** Arguments of `load`. */
export interface LoadArguments extends EncodingOptions {
  /** Path of the input, or `-`. */
  readonly file: string;
  /** Told from the name or the first line when absent. */
  readonly format?: LoadFormat | undefined;
  /** Goes on past lines that are no records. */
  readonly skipBad?: boolean | undefined;
  /** Begins at the first line even if an earlier load of the file can be resumed. */
  readonly restart?: boolean | undefined;
  /** Records written at once. */
  readonly concurrency: number;
}

const checkpointPeriodMs = 1_000;
const maxLinesAhead = 65_536;
const maxBytesUnderWay = 64 * 1024 * 1024;
/** Skipped lines named one by one; the others are counted. */
const namedSkips = 20;

/**
 * `load FILE`: writes the records of a file or of standard input. Run again after a Ctrl-C, a crash or a bad line, it goes
 * on behind the last line up to which everything is acknowledged.
 */
export const load: Command<LoadArguments> = async (context, args) => {
  const input = args.file === '-' ? streamInput(context.terminal.input) : await openInput(args.file);
  const parse = await parserOf(input, args);
  return withConnection(context, async (connection) => {
    const fingerprint = input.isResumable ? await PrefixFingerprint.open(args.file) : undefined;
    try {
      return await run(context, connection, input, parse, args, fingerprint);
    } finally {
      await fingerprint?.close();
    }
  });
};

type LineParser = (line: Uint8Array, connection: ClusterConnection) => RecordLine;

async function openInput(path: string): Promise<LoadInput> {
  try {
    return await fileInput(path);
  } catch (cause) {
    throw new CommandError(`cannot read ${path}: ${describeFailure(cause).message}`, exitCode.usage, { cause });
  }
}

async function parserOf(input: LoadInput, args: LoadArguments): Promise<LineParser> {
  const encoding = encodingOf(args);
  let format =
    args.format ?? (input.isResumable ? detectFormat(input.name, await firstBytesOf(input.name)) : undefined);
  return (line, connection) => {
    if (isBlankLine(line)) return { type: 'blank' };
    format ??= detectFormat(input.name, line);
    return parseRecordLine(line, format, encoding, connection.limits);
  };
}

async function run(
  context: CommandContext,
  connection: ClusterConnection,
  input: LoadInput,
  parse: LineParser,
  args: LoadArguments,
  fingerprint: PrefixFingerprint | undefined,
): Promise<ExitCode> {
  const { terminal, runtime, interrupt } = context;
  const note = (text: string): void => display.note(text);
  const start =
    fingerprint === undefined || args.restart === true
      ? freshStart
      : await findResumePoint(input.name, connection.clusterId, fingerprint, (text) =>
          terminal.writeError(`${text}\n`),
        );
  const keeper =
    fingerprint &&
    new CheckpointKeeper(input.name, connection.clusterId, fingerprint, (error) =>
      note(`this load cannot be resumed if it stops: ${describeFailure(error).message}`),
    );
  const putMany = (pairs: readonly Pair[]) => connection.putMany(pairs);
  const batcher = new PutBatcher(putMany, runtime.timers, defaultPutBatcherConfig);
  const writer = new RecordWriter({
    put: (key, value) => batcher.put(key, value),
    classify: classifyPutFailure,
    clock: runtime.clock,
    timers: runtime.timers,
    config: defaultRecordWriterConfig,
    interrupt,
  });
  const { maxKeyBytes, maxValueBytes } = connection.limits;
  // In JSON a byte takes up to six characters (\u0000).
  const maxLineBytes = 6 * (maxKeyBytes + maxValueBytes) + 1_024;
  const skips = new SkipReport(note);
  const loader = new Loader({
    lines: readLines(input.read(start.offset), start, maxLineBytes),
    start,
    parse: (line) => parse(line, connection),
    write: (key, value) => writer.write(key, value),
    concurrency: args.concurrency,
    maxBytesUnderWay,
    maxLinesAhead,
    maxLineBytes,
    skipBad: args.skipBad === true,
    onSkipped: (line, reason) => skips.add(line, reason),
    interrupt,
  });
  const display = new ProgressDisplay(terminal, runtime.timers, () => ({
    records: loader.records,
    skipped: loader.skipped,
    waiting: writer.waiting,
    bytes: loader.prefix.offset,
    totalBytes: input.totalBytes,
    atMs: runtime.clock.monotonicMs(),
  }));
  const checkpoints = runtime.timers.every(checkpointPeriodMs, () => keeper?.keep(loader.prefix));
  const beganMs = runtime.clock.monotonicMs();
  let end: LoadEnd;
  try {
    end = await loader.run();
  } finally {
    checkpoints.cancel();
    display.close();
  }
  skips.close();
  if (end.type === 'complete') await keeper?.remove();
  else await keeper?.keepLast(loader.prefix);
  return report(context, end, {
    input,
    loader,
    recordsBefore: start.records,
    seconds: (runtime.clock.monotonicMs() - beganMs) / 1_000,
    isResumable: keeper?.works === true,
  });
}

/** Names the first skipped lines and counts the others, so that a wholly bad file does not flood the terminal. */
class SkipReport {
  readonly #note: (text: string) => void;
  #count = 0;

  constructor(note: (text: string) => void) {
    this.#note = note;
  }

  add(line: number, reason: string): void {
    this.#count += 1;
    if (this.#count <= namedSkips) this.#note(`line ${line} skipped: ${reason}`);
  }

  close(): void {
    if (this.#count > namedSkips) this.#note(`${grouped(this.#count - namedSkips)} more lines skipped`);
  }
}

async function report(
  { terminal, options }: CommandContext,
  end: LoadEnd,
  load: {
    readonly input: LoadInput;
    readonly loader: Loader;
    readonly recordsBefore: number;
    readonly seconds: number;
    readonly isResumable: boolean;
  },
): Promise<ExitCode> {
  const { loader, input } = load;
  const { line } = loader.prefix;
  const written = loader.records - load.recordsBefore;
  const code = exitCodeOf(end);
  if (options.json) {
    const reason = end.type === 'malformed' ? { badLine: end.line, reason: end.reason } : {};
    const counts = { records: written, skipped: loader.skipped, lines: line, seconds: load.seconds };
    await terminal.write(`${JSON.stringify({ end: end.type, ...counts, ...reason })}\n`);
  }
  const again = load.isResumable ? 'run the same command again to go on from there' : 'it starts over when run again';
  const upTo = line === 0 ? 'nothing was loaded' : `everything up to line ${grouped(line)} is loaded; ${again}`;
  const say = (text: string): void => terminal.writeError(`${text}\n`);
  if (end.type === 'complete') {
    const skipped = loader.skipped === 0 ? '' : `, ${grouped(loader.skipped)} lines skipped`;
    const rate = load.seconds > 0 ? ` (${grouped(Math.round(written / load.seconds))}/s)` : '';
    const done = terminal.style('error', 'green', 'loaded');
    if (!options.json) say(`${done} ${grouped(written)} records in ${shortDuration(load.seconds)}${rate}${skipped}`);
  } else if (end.type === 'interrupted') {
    say(`stopped: ${upTo}`);
  } else if (end.type === 'malformed') {
    say(`${terminal.style('error', 'red', 'error:')} ${input.name}, line ${end.line}: ${end.reason}`);
    say(`${upTo}${load.isResumable ? ' once the line is mended' : ''}, or use --skip-bad to go on past such lines`);
  } else {
    const { message } = describeFailure(end.cause);
    say(`${terminal.style('error', 'red', 'error:')} ${input.name}, line ${end.line}: gave up: ${message}`);
    say(upTo);
  }
  return code;
}

function exitCodeOf(end: LoadEnd): ExitCode {
  if (end.type === 'complete') return exitCode.ok;
  if (end.type === 'interrupted') return exitCode.interrupted;
  return end.type === 'malformed' ? exitCode.badData : exitCode.unavailable;
}
