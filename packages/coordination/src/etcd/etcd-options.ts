import { type Runtime, wholeNumberViolations } from '@flotilla/runtime';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { BackendError } from '../backend/backend-error.ts';

/** Certificates as PEM text. */
export interface EtcdTls {
  /** Whom to trust; the system's own authorities unless given. */
  readonly ca?: string | undefined;
  /** The client's own certificate with its key, for servers that ask for one. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name to find in the server's certificate, if it is not the endpoint's. */
  readonly serverName?: string | undefined;
}

/** Where an etcd cluster is and how to get in: plain data. */
export interface EtcdLocation {
  /** `host:port`, with `http://` or `https://` before it if you like; any of the cluster's members. */
  readonly endpoints: readonly string[];
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Turns TLS on; `{}` will do for a server whose certificate the system trusts. Endpoints with `https://` turn it on too. */
  readonly tls?: EtcdTls | undefined;
  /** How long one endpoint may take to let us in before the next is tried, in milliseconds; 3,000 unless given. */
  readonly dialTimeoutMs?: number | undefined;
  /** The whole time of a call that sets none of its own, in milliseconds; 5,000 unless given. */
  readonly requestTimeoutMs?: number | undefined;
}

/** What `openEtcdBackend` takes. */
export interface EtcdBackendOptions extends EtcdLocation {
  readonly runtime: Runtime;
}

/** The location, checked, with every default filled in. */
export interface EtcdSettings {
  /** `host:port` each. */
  readonly addresses: readonly string[];
  readonly user: { readonly name: string; readonly password: string } | undefined;
  readonly credentials: ChannelCredentials;
  readonly channelOptions: ChannelOptions;
  readonly dialTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/**
 * Checks the location and fills in the defaults.
 *
 * @throws {BackendError} `invalidArgument`, naming the field; never with a password in the message.
 */
export function etcdSettings(location: EtcdLocation): EtcdSettings {
  const { dialTimeoutMs = 3000, requestTimeoutMs = 5000, tls, username, password } = location;
  if (location.endpoints.length === 0) throw invalid('endpoints: must name at least one');
  const endpoints = location.endpoints.map(parseEndpoint);
  const secure = endpoints.filter((endpoint) => endpoint.secure).length;
  if (secure > 0 && secure < endpoints.length) throw invalid('endpoints: all or none must begin with https://');
  const [violation] = wholeNumberViolations({ dialTimeoutMs, requestTimeoutMs });
  if (violation !== undefined) throw invalid(violation);
  if ((username === undefined) !== (password === undefined)) throw invalid('username and password: give both or none');
  return {
    addresses: endpoints.map((endpoint) => endpoint.address),
    user: username === undefined || password === undefined ? undefined : { name: username, password },
    credentials: tls === undefined && secure === 0 ? credentials.createInsecure() : secureCredentials(tls ?? {}),
    channelOptions: {
      // Above the five seconds between pings that etcd allows a client; both together say when a silent peer is given up.
      'grpc.keepalive_time_ms': 6000,
      'grpc.keepalive_timeout_ms': 3000,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      'grpc.max_receive_message_length': -1,
      'grpc.enable_retries': 0,
      'grpc.enable_http_proxy': 0,
      ...(tls?.serverName === undefined ? {} : { 'grpc.ssl_target_name_override': tls.serverName }),
    },
    dialTimeoutMs,
    requestTimeoutMs,
  };
}

function parseEndpoint(endpoint: string): { readonly address: string; readonly secure: boolean } {
  const match = /^(https?:\/\/)?((?:\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+):\d{1,5})\/?$/.exec(endpoint);
  // The endpoint is not repeated: it may hold a password.
  if (match === null) throw invalid('endpoints: each must be host:port, or http:// or https:// with host:port');
  return { address: match[2] as string, secure: match[1] === 'https://' };
}

function secureCredentials(tls: EtcdTls): ChannelCredentials {
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw invalid('tls: give cert and key, or neither');
  const bytes = (pem: string | undefined): Buffer | null => (pem === undefined ? null : Buffer.from(pem));
  try {
    return credentials.createSsl(bytes(tls.ca), bytes(tls.key), bytes(tls.cert));
  } catch (error) {
    throw new BackendError('invalidArgument', 'tls: the certificates cannot be read', { cause: error });
  }
}

function invalid(message: string): BackendError {
  return new BackendError('invalidArgument', message);
}
