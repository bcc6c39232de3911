import { coordinationpb } from '@flotilla/protocol';

/** Why a call is refused: which kind, from the wire's `Error.Code`, by name. */
export type MachineErrorCode = Exclude<keyof typeof coordinationpb.ErrorCode, 'None'>;

const messages: Readonly<Record<MachineErrorCode, string>> = {
  Malformed: 'the payload is not a call of the coordination machine',
  RequestTooLarge: 'the request is larger than 1.5 MiB',
  InvalidArgument: 'the request is wrong',
  EmptyKey: 'a key is empty',
  KeyNotFound: 'a key whose value or lease is to be kept does not exist',
  ValueProvided: 'a value is given and the old one is to be kept',
  LeaseProvided: 'a lease is given and the old one is to be kept',
  TooManyOperations: 'the transaction has too many operations',
  DuplicateKey: 'the transaction writes a key twice',
  LeaseNotFound: 'there is no such lease',
  LeaseExists: 'there is a lease with this id',
  LeaseTtlTooLarge: 'a lease lasts 9,000,000,000 s at the most',
  Compacted: 'the revision is compacted',
  FutureRevision: 'the revision is yet to come',
  NotLeader: 'this replica does not lead',
  LeaseExpiring: 'the lease is about to end',
};

/** A call that the machine refuses before it has changed anything. Becomes its answer; never leaves the machine. */
export class MachineError extends Error {
  readonly code: MachineErrorCode;
  /** With `Compacted`: the oldest revision that is left. */
  readonly revision: number;

  constructor(code: MachineErrorCode, options: { readonly detail?: string; readonly revision?: number } = {}) {
    super(options.detail ?? messages[code]);
    this.name = 'MachineError';
    this.code = code;
    this.revision = options.revision ?? 0;
  }

  /** The error as an answer. */
  toAnswer(): coordinationpb.Answer {
    return coordinationpb.Answer.create({
      error: {
        code: coordinationpb.ErrorCode[this.code],
        message: this.message,
        revision: BigInt(this.revision),
      },
    });
  }
}
