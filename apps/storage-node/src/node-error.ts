import { commonMeanings, meaningOf, ProgramError, reasonOf } from '@flotilla/program';
import { type ExitCode, exitCode } from './exit-code.ts';

/** Why a node does not start, or has stopped. */
export type NodeErrorCode =
  | 'directoryInUse'
  | 'directoryNotWritable'
  | 'otherCluster'
  | 'otherVersion'
  | 'damagedData'
  | 'portInUse'
  | 'internal';

const exitCodes: Readonly<Record<NodeErrorCode, ExitCode>> = {
  directoryInUse: exitCode.directoryInUse,
  directoryNotWritable: exitCode.directoryNotWritable,
  otherCluster: exitCode.otherCluster,
  otherVersion: exitCode.otherVersion,
  damagedData: exitCode.damagedData,
  portInUse: exitCode.portInUse,
  internal: exitCode.internal,
};

/** A node that cannot start or go on; the message tells a person what to do about it. */
export class NodeError extends ProgramError<NodeErrorCode, ExitCode> {
  override readonly name = 'NodeError';

  override get exitCode(): ExitCode {
    return exitCodes[this.code];
  }
}

const meaningOfCode: Readonly<Record<string, NodeErrorCode>> = {
  ...commonMeanings,
  engineNotFound: 'damagedData',
  corruptedRecord: 'damagedData',
  corrupted: 'damagedData',
  notEmpty: 'damagedData',
  clusterMismatch: 'otherCluster',
};

/** What to do about it; it follows the reason. */
const adviceFor: Partial<Readonly<Record<NodeErrorCode, string>>> = {
  portInUse: '; stop what listens there, or choose another address',
  damagedData: '; restore the directory from a copy, or begin an empty one, which the other replicas will fill',
};

/** Names what went wrong while `doing` something; an error whose causes have no meaning here is internal. */
export function toNodeError(doing: string, cause: unknown): NodeError {
  if (cause instanceof NodeError) return cause;
  const code = meaningOf(cause, meaningOfCode);
  return new NodeError(code, `${doing}: ${reasonOf(cause)}${adviceFor[code] ?? ''}`, { cause });
}
