import type { EtcdCall } from './etcd-call.ts';
import { unaryCall } from './etcd-call.ts';
import type { EtcdSettings } from './etcd-options.ts';

/** The token that stands for user and password, fetched once for all who need it, and again when the server wants another. */
export class EtcdTokens {
  readonly #user: EtcdSettings['user'];
  readonly #authenticate: (call: EtcdCall<string | undefined>) => Promise<string | undefined>;
  #current: Promise<string | undefined> | undefined;

  /** @param authenticate Makes the call in a time of its own, so that one caller's end does not concern the others. */
  constructor(
    user: EtcdSettings['user'],
    authenticate: (call: EtcdCall<string | undefined>) => Promise<string | undefined>,
  ) {
    this.#user = user;
    this.#authenticate = authenticate;
  }

  /** Whether another token can be had at all. */
  get canRenew(): boolean {
    return this.#user !== undefined;
  }

  /** The token; `undefined` without a user, or where the server asks for none. */
  get(): Promise<string | undefined> {
    if (this.#user === undefined) return Promise.resolve(undefined);
    if (this.#current !== undefined) return this.#current;
    const fetched = this.#authenticate(authenticateCall(this.#user.name, this.#user.password));
    this.#current = fetched;
    fetched.catch(() => {
      if (this.#current === fetched) this.#current = undefined;
    });
    return fetched;
  }

  /** Forgets the token that was refused, unless another has taken its place. */
  async invalidate(token: string | undefined): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    const held = await current.catch(() => undefined);
    if (held === token && this.#current === current) this.#current = undefined;
  }
}

function authenticateCall(name: string, password: string): EtcdCall<string | undefined> {
  const call = unaryCall<{ readonly token: string }>('Auth', 'authenticate', { name, password }, { repeatable: true });
  return {
    ...call,
    start: (client, metadata) => {
      const pending = call.start(client, metadata);
      return { response: pending.response.then((answer) => answer.token, tokenless), cancel: pending.cancel };
    },
  };
}

/** A server that has authentication turned off needs no token. */
function tokenless(error: unknown): undefined {
  if (String((error as Error).message).includes('etcdserver: authentication is not enabled')) return undefined;
  throw error;
}
