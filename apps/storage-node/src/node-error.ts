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
export class NodeError extends Error {
  readonly code: NodeErrorCode;

  constructor(code: NodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NodeError';
    this.code = code;
  }

  get exitCode(): ExitCode {
    return exitCodes[this.code];
  }
}

const meaningOfCode: Readonly<Record<string, NodeErrorCode>> = {
  engineLocked: 'directoryInUse',
  engineCorrupted: 'damagedData',
  engineNotFound: 'damagedData',
  corruptedRecord: 'damagedData',
  corrupted: 'damagedData',
  notEmpty: 'damagedData',
  schedulerDataCorrupted: 'damagedData',
  formatVersionMismatch: 'otherVersion',
  clusterMismatch: 'otherCluster',
  addressInUse: 'portInUse',
  addressNotAvailable: 'portInUse',
  permissionDenied: 'portInUse',
};

/** What to do about it; it follows the reason. */
const adviceFor: Partial<Readonly<Record<NodeErrorCode, string>>> = {
  portInUse: '; stop what listens there, or choose another address',
  damagedData: '; restore the directory from a copy, or begin an empty one, which the other replicas will fill',
};

/**
 * Names what went wrong while `doing` something. The stable code nearest the cause decides, because what wraps it knows
 * less; an error without any is internal.
 */
export function toNodeError(doing: string, cause: unknown): NodeError {
  if (cause instanceof NodeError) return cause;
  let code: NodeErrorCode = 'internal';
  for (let error = cause; error instanceof Error; error = error.cause) {
    code = meaningOfCode[(error as { readonly code?: string }).code ?? ''] ?? code;
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new NodeError(code, `${doing}: ${reason}${adviceFor[code] ?? ''}`, { cause });
}
