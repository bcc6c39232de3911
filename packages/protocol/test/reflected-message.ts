import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import * as protocol from '../src/index.ts';
import type { Codec } from '../src/wire.ts';

/** A message as a codec here holds it. */
export type AnyMessage = Readonly<Record<string, unknown>>;

/** One message type: what protobufjs knows of it by reflection, and the generated codec. */
export interface ReflectedMessage {
  readonly name: string;
  readonly type: protobuf.Type;
  readonly codec: Codec<AnyMessage>;
}

const protoDirectory = join(dirname(fileURLToPath(import.meta.url)), '..', 'proto');
const packages = [
  'coordinationpb',
  'coprocessor',
  'eraftpb',
  'errorpb',
  'etcdserverpb',
  'flotillapb',
  'kvrpcpb',
  'metapb',
  'mvccpb',
  'raft_cmdpb',
  'raft_serverpb',
  'schedulerpb',
  'tinykvpb',
];

function loadTypes(packageName: string): protobuf.Type[] {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(protoDirectory, target);
  root.loadSync(`${packageName}.proto`).resolveAll();
  const types = (namespace: protobuf.NamespaceBase): protobuf.Type[] =>
    namespace.nestedArray.flatMap((item) => (item instanceof protobuf.Type ? [item, ...types(item)] : []));
  return types(root.lookup(packageName) as protobuf.Namespace);
}

/** Every message of every proto package. */
export const reflectedMessages: readonly ReflectedMessage[] = packages.flatMap((packageName) =>
  loadTypes(packageName).map((type) => {
    const [, owner, ...path] = type.fullName.split('.') as [string, string, ...string[]];
    const codecs = (protocol as unknown as Record<string, Record<string, Codec<AnyMessage>>>)[owner] ?? {};
    return { name: type.fullName.slice(1), type, codec: codecs[path.join('')] as Codec<AnyMessage> };
  }),
);

function scalarOf(field: protobuf.Field): fc.Arbitrary<unknown> {
  const isBig = field.options?.['jstype'] === 'JS_STRING';
  switch (field.type) {
    case 'bool':
      return fc.boolean();
    case 'bytes':
      return fc.uint8Array({ maxLength: 200 });
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 60 });
    case 'uint32':
      return fc.nat(0xffff_ffff);
    case 'int32':
      return fc.integer();
    case 'uint64':
      return isBig ? fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) : fc.maxSafeNat();
    case 'int64':
      return isBig ? fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) : fc.maxSafeInteger();
    default:
      throw new Error(`${field.fullName}: no values of type ${field.type}`);
  }
}

function elementOf(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  if (field.resolvedType instanceof protobuf.Type) return messageOf(field.resolvedType, depth - 1);
  if (field.resolvedType instanceof protobuf.Enum) return fc.constantFrom(...Object.values(field.resolvedType.values));
  return scalarOf(field);
}

/** Messages of a type, every field present; those that hold others are `depth` deep at the most, since types may hold themselves. */
export function messageOf(type: protobuf.Type, depth = 5): fc.Arbitrary<AnyMessage> {
  const fields = type.fieldsArray.map((field): [string, fc.Arbitrary<unknown>] => {
    const isMessage = field.resolvedType instanceof protobuf.Type;
    if (isMessage && depth === 0) return [field.name, fc.constant(field.repeated ? [] : undefined)];
    if (field.repeated) return [field.name, fc.array(elementOf(field, depth), { maxLength: 3 })];
    const isOptional = isMessage || field.partOf !== null;
    return [field.name, isOptional ? fc.option(elementOf(field, depth), { nil: undefined }) : elementOf(field, depth)];
  });
  return fc.record(Object.fromEntries(fields));
}

/** The same message as reflection wants it: without defaults, 64-bit numbers in halves. */
export function toReflected(type: protobuf.Type, message: AnyMessage): Record<string, unknown> {
  const convert = (field: protobuf.Field, value: unknown): unknown => {
    if (field.resolvedType instanceof protobuf.Type) return toReflected(field.resolvedType, value as AnyMessage);
    if (typeof value !== 'bigint') return value;
    const bits = BigInt.asUintN(64, value);
    return { low: Number(bits & 0xffffffffn) | 0, high: Number(bits >> 32n) | 0, unsigned: field.type === 'uint64' };
  };
  const entries = type.fieldsArray.flatMap((field) => {
    const value = message[field.name];
    if (Array.isArray(value)) return [[field.name, value.map((item) => convert(field, item))]];
    // Of a oneof, a default that is set is on the wire.
    if (field.partOf !== null) return value === undefined ? [] : [[field.name, convert(field, value)]];
    const isDefault = value === undefined || value === 0 || value === 0n || value === '' || value === false;
    return isDefault || (value instanceof Uint8Array && value.length === 0)
      ? []
      : [[field.name, convert(field, value)]];
  });
  return Object.fromEntries(entries);
}
