/** One option as people set it: on the command line, in the environment, in a file. */
export interface ProgramOption<Key extends string = string> {
  /** Its name in a configuration file. */
  readonly key: Key;
  readonly flag: `--${string}`;
  readonly argument: string;
  readonly environment: `FLOTILLA_${string}`;
  readonly type: 'text' | 'number';
  readonly description: string;
  /** Heading of its group in the help; without one it stands under the general heading. */
  readonly group?: string | undefined;
}

/** An option by its name; flag and variable follow from that, so that none can differ. */
export type OptionRow<Key extends string> = Pick<
  ProgramOption<Key>,
  'key' | 'argument' | 'type' | 'description' | 'group'
>;

/** `maxPeerCount` is the flag `--max-peer-count` and, with the prefix `FLOTILLA_`, the variable `FLOTILLA_MAX_PEER_COUNT`. */
export function programOption<Key extends string>(
  prefix: ProgramOption['environment'],
  row: OptionRow<Key>,
): ProgramOption<Key> {
  const words = row.key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { ...row, flag: `--${words}`, environment: `${prefix}${words.replaceAll('-', '_').toUpperCase()}` };
}
