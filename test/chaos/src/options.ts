import { parseArgs } from 'node:util';
import { allFaultKinds, type FaultKind, faultKinds, isFaultKind } from './fault/fault-kind.ts';

/** What a run was asked to be. */
export interface ChaosOptions {
  readonly minutes: number;
  readonly nodes: number;
  /** A whole number below 2^32. */
  readonly seed: number;
  readonly faults: readonly FaultKind[];
  /** Whether logs and data stay even when everything passed. */
  readonly isKept: boolean;
  /** Where the history goes. */
  readonly historyPath: string;
  /** A file that takes `{"passed": N, "failed": M}`. */
  readonly summaryPath: string | undefined;
}

/** What the command line says, or what is wrong with it. */
export type ParsedOptions =
  | { readonly type: 'run'; readonly options: ChaosOptions }
  | { readonly type: 'help' }
  | { readonly type: 'invalid'; readonly complaints: readonly string[] };

/** What is not on the command line. */
export interface OptionDefaults {
  /** Drawn when none is given. */
  readonly seed: number;
  readonly historyPathOf: (seed: number) => string;
}

const kindLines = allFaultKinds.map((kind) => `  ${kind.padEnd(16)} ${faultKinds[kind].what}`).join('\n');

/** What `--help` prints. */
export const usage = `usage: npm run chaos -- [option ...]

Runs a scheduler and storage nodes as processes, lets clients write, read and scan, does harm to the processes meanwhile, and
judges what the clients saw. The last line is "N passed, M failed". Ctrl-C ends the run early, with the verdict so far.

  --minutes M        how long there are faults, 0.1 to 120 (2)
  --nodes N          storage nodes, 3 to 5 (3)
  --seed S           draws the faults and what the clients do (a new one, which is printed)
  --faults LIST      kinds of faults, by commas (all that this machine allows)
  --history FILE     where the history goes, as NDJSON (a file in the temporary directory)
  --summary-file F   where {"passed": N, "failed": M} goes
  --keep             keeps logs and data even when everything passed
  --help             this

faults:
${kindLines}
`;

const most = { minutes: 120, seed: 2 ** 32 - 1 };

/** Reads a command line; everything that is wrong is named at once. */
export function parseOptions(args: readonly string[], defaults: OptionDefaults): ParsedOptions {
  let values: Readonly<Record<string, string | boolean | undefined>>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '2' },
        nodes: { type: 'string', default: '3' },
        seed: { type: 'string', default: String(defaults.seed) },
        faults: { type: 'string', default: allFaultKinds.join(',') },
        history: { type: 'string' },
        'summary-file': { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    return { type: 'invalid', complaints: [(error as Error).message] };
  }
  if (values['help'] === true) return { type: 'help' };
  const complaints: string[] = [];
  const number = (name: string, least: number, greatest: number, isWhole: boolean): number => {
    const text = String(values[name]);
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    const isGood = value >= least && value <= greatest && (!isWhole || Number.isInteger(value));
    const kind = isWhole ? 'a whole number' : 'a number';
    if (!isGood) complaints.push(`--${name} is ${JSON.stringify(text)}: expected ${kind} from ${least} to ${greatest}`);
    return value;
  };
  const minutes = number('minutes', 0.1, most.minutes, false);
  const nodes = number('nodes', 3, 5, true);
  const seed = number('seed', 0, most.seed, true);
  const faults = parseFaults(String(values['faults']), complaints);
  if (complaints.length > 0) return { type: 'invalid', complaints };
  const historyPath = (values['history'] as string | undefined) ?? defaults.historyPathOf(seed);
  const summaryPath = values['summary-file'] as string | undefined;
  return {
    type: 'run',
    options: { minutes, nodes, seed, faults, historyPath, summaryPath, isKept: values['keep'] === true },
  };
}

function parseFaults(list: string, complaints: string[]): FaultKind[] {
  const names = [...new Set(list.split(',').map((name) => name.trim()))];
  const unknown = names.filter((name) => !isFaultKind(name));
  for (const name of unknown) {
    complaints.push(`--faults names ${JSON.stringify(name)}: expected some of ${allFaultKinds.join(', ')}`);
  }
  // In the order of the table, so that one seed gives one plan however the list was written.
  return allFaultKinds.filter((kind) => names.includes(kind));
}
