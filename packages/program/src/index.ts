export { type CommandLine, type CommandLineOutput, readCommandLine } from './command-line.ts';
export { type ExitCode, exitCode } from './exit-code.ts';
export { type OptionRow, type ProgramOption, programOption } from './option.ts';
export {
  dialAddress,
  isWildcard,
  listenAddress,
  logFormat,
  logLevel,
  portOf,
  schemaViolations,
  wholeNumber,
} from './option-schema.ts';
export { configFromSources, type OptionSources, OptionsError } from './option-sources.ts';
export { OptionsConfigError, type OptionViolation } from './options-config-error.ts';
export type { ProgramDescription } from './program-description.ts';
export { commonMeanings, meaningOf, ProgramError, reasonOf } from './program-error.ts';
export { createProgramLogger, isPrettyLog, type LogOptions, type LogOutput, showsColour } from './program-logger.ts';
export { type StopHandlers, type StopRequest, type SupervisedProcess, stopOnRequest } from './stop-requests.ts';
export { makeWritable, type RefuseDirectory } from './writable-directory.ts';
