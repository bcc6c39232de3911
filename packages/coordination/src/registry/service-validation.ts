import { ValidationError } from '../coordination-error.ts';
import { parseAddress } from './service-address.ts';
import { HealthStatus, type ServiceRegistration } from './service-info.ts';

const maxNameBytes = 255;
const maxMetadataBytes = 64 * 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const forbidden = /[/\u0000-\u001f\u007f]/;

/**
 * Checks what a process registers.
 *
 * @throws {ValidationError} with code `validation` that names every violation.
 */
export function checkRegistration(registration: ServiceRegistration): void {
  const { name, instanceId, address, metadata = {}, health = HealthStatus.Healthy } = registration;
  const violations = [...nameViolations('name', name), ...nameViolations('instanceId', instanceId)];
  if (typeof address !== 'string' || parseAddress(address) === undefined) {
    violations.push(`address: must be host:port with a port from 1 to 65535, got ${JSON.stringify(address)}`);
  }
  violations.push(...metadataViolations(metadata), ...healthViolations(health));
  refuse('registering an instance', violations);
}

/**
 * Checks the name of a service, and the id of an instance where there is one.
 *
 * @throws {ValidationError} with code `validation` that names every violation.
 */
export function checkNames(action: string, name: string, ...instanceId: readonly string[]): void {
  refuse(action, [...nameViolations('name', name), ...instanceId.flatMap((id) => nameViolations('instanceId', id))]);
}

/**
 * Checks metadata that is to replace what is there.
 *
 * @throws {ValidationError} with code `validation` that names every violation.
 */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  refuse('changing metadata', metadataViolations(metadata));
}

/**
 * Checks a status that comes from a caller.
 *
 * @throws {ValidationError} with code `validation`.
 */
export function checkHealth(health: HealthStatus): void {
  refuse('changing health', healthViolations(health));
}

function refuse(action: string, violations: readonly string[]): void {
  if (violations.length > 0) throw new ValidationError(`${action}: ${violations.join('; ')}`);
}

function nameViolations(field: string, name: unknown): string[] {
  if (typeof name !== 'string') return [`${field}: must be a text, got ${typeof name}`];
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > maxNameBytes) return [`${field}: must have 1 to ${maxNameBytes} bytes, has ${bytes}`];
  if (forbidden.test(name)) return [`${field}: must have no '/' and no control characters`];
  return [];
}

function metadataViolations(metadata: unknown): string[] {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    return ['metadata: must be an object of texts'];
  }
  const wrong = Object.entries(metadata).filter(([, value]) => typeof value !== 'string');
  if (wrong.length > 0) return wrong.map(([key]) => `metadata.${key}: must be a text`);
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  return bytes > maxMetadataBytes
    ? [`metadata: must have at most ${maxMetadataBytes} bytes as JSON, has ${bytes}`]
    : [];
}

function healthViolations(health: unknown): string[] {
  const statuses: readonly unknown[] = Object.values(HealthStatus);
  return statuses.includes(health) ? [] : [`health: must be one of ${statuses.join(', ')}`];
}
