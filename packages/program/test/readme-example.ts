import {
  configFromSources,
  listenAddress,
  type OptionSources,
  OptionsConfigError,
  type ProgramDescription,
  programOption,
  schemaViolations,
  wholeNumber,
} from '@flotilla/program';
import { z } from 'zod';

const schema = z.strictObject({ listen: listenAddress, keepMs: wholeNumber(1, 60_000) });

type EchoConfig = Readonly<z.infer<typeof schema>>;

const defaults: EchoConfig = { listen: '127.0.0.1:7499', keepMs: 1000 };

/** A program of two options: `--listen` or `FLOTILLA_ECHO_LISTEN`, `--keep-ms` or `FLOTILLA_ECHO_KEEP_MS`. */
export const echoProgram: ProgramDescription<EchoConfig> = {
  name: 'flotilla-echo',
  description: 'Says again what it hears.',
  options: [
    programOption('FLOTILLA_ECHO_', { key: 'listen', argument: '<host:port>', type: 'text', description: 'gRPC' }),
    programOption('FLOTILLA_ECHO_', { key: 'keepMs', argument: '<ms>', type: 'number', description: 'memory' }),
  ],
  defaults,
  fileVariable: 'FLOTILLA_ECHO_CONFIG',
  helpAfter: '\nExit codes: 0 stopped · 64 invalid options',
  resolve: (partial) => {
    const given = { ...defaults, ...partial };
    const { data, error } = schema.safeParse(given);
    if (data === undefined) throw new OptionsConfigError(schemaViolations(error, given));
    return Object.freeze(data);
  },
};

/** What holds, from all sources together. */
export function echoConfig(sources: OptionSources): EchoConfig {
  return configFromSources(echoProgram, sources);
}
