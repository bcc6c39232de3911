import { HealthStatus, type ServiceInfo } from './service-info.ts';

/**
 * An instance as it is stored, in JSON so that `etcdctl get` shows it.
 *
 * `leaving` is written just before a record is deleted on purpose. Whoever watches tells a departure from a death by it: the
 * deletion itself looks the same, whether somebody asked for it or the lease ran out.
 */
export interface ServiceRecord {
  readonly info: ServiceInfo;
  readonly isLeaving: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The bytes that are stored for a record. */
export function encodeRecord({ info, isLeaving }: ServiceRecord): Uint8Array {
  const { name, instanceId, address, metadata, health, isDraining, registerTime, lastHeartbeat } = info;
  const state = isLeaving ? 'leaving' : isDraining ? 'draining' : 'serving';
  return encoder.encode(
    JSON.stringify({ name, instanceId, address, metadata, health, state, registerTime, lastHeartbeat }),
  );
}

/**
 * The record of a stored value; undefined when it is none, as when another tool wrote it. What is missing apart from the
 * address has a value that does no harm.
 */
export function decodeRecord(name: string, instanceId: string, value: Uint8Array): ServiceRecord | undefined {
  const fields = parseObject(value);
  const address = fields?.['address'];
  if (fields === undefined || typeof address !== 'string') return undefined;
  const { metadata, health, state } = fields;
  const info = {
    name,
    instanceId,
    address,
    metadata: Object.freeze(textsOf(metadata)),
    health: Object.values(HealthStatus).find((status) => status === health) ?? HealthStatus.Unknown,
    isDraining: state === 'draining' || state === 'leaving',
    registerTime: timeOf(fields['registerTime']),
    lastHeartbeat: timeOf(fields['lastHeartbeat']),
  };
  return { info: Object.freeze(info), isLeaving: state === 'leaving' };
}

function parseObject(value: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(decoder.decode(value));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function textsOf(metadata: unknown): Record<string, string> {
  if (typeof metadata !== 'object' || metadata === null) return {};
  return Object.fromEntries(Object.entries(metadata).filter(([, text]) => typeof text === 'string'));
}

function timeOf(text: unknown): Date {
  const time = new Date(typeof text === 'string' ? text : 0);
  return Number.isNaN(time.getTime()) ? new Date(0) : time;
}
