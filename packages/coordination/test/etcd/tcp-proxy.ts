import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a proxy does with connections. */
export type ProxyMode =
  /** Passes everything on. */
  | 'open'
  /** Takes connections and what they send, and passes nothing on. */
  | 'silent'
  /** Passes on what clients send, and nothing back. */
  | 'deaf';

/** Stands between a client and a server, to be cut and silenced. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #mode: ProxyMode = 'open';
  /** Connections that were made. */
  connections = 0;

  private constructor(target: string) {
    const [host = '', port] = target.split(':');
    this.#target = { host, port: Number(port) };
    this.#server = createServer((client) => this.#accept(client));
  }

  static async open(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** `127.0.0.1:port`. */
  get endpoint(): string {
    return `127.0.0.1:${(this.#server.address() as { readonly port: number }).port}`;
  }

  /** From now on, for open connections too. */
  set mode(mode: ProxyMode) {
    this.#mode = mode;
  }

  /** Connections that are open, on both sides. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Ends every connection that is open. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #accept(client: Socket): void {
    this.connections += 1;
    const server = connect(this.#target);
    this.#join(client, server);
    client.on('data', (chunk) => {
      if (this.#mode !== 'silent') server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (this.#mode === 'open') client.write(chunk);
    });
  }

  #join(...pair: readonly [Socket, Socket]): void {
    for (const socket of pair) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        for (const other of pair) other.destroy();
      });
    }
  }
}
