// Renders one message: its interface, defaults, encoder and decoder.
import { referenceTo } from './module.mjs';

const SCALARS = {
  bool: { ts: 'boolean', zero: 'false', wire: 0 },
  bytes: { ts: 'Uint8Array', zero: 'emptyBytes', wire: 2 },
  double: { ts: 'number', zero: '0', wire: 1 },
  float: { ts: 'number', zero: '0', wire: 5 },
  int32: { ts: 'number', zero: '0', wire: 0, write: 'writeInt32' },
  uint32: { ts: 'number', zero: '0', wire: 0, write: 'writeUint32' },
  int64: { ts: 'number', zero: '0', wire: 0, big: 'Int64Big', read: 'readInt64', write: 'writeInt64' },
  uint64: { ts: 'number', zero: '0', wire: 0, big: 'Uint64Big', read: 'readUint64', write: 'writeUint64' },
  string: { ts: 'string', zero: "''", wire: 2 },
};

/** Everything the templates need to know of one field. */
function describe(protobuf, field, packageName) {
  if (field.map) throw new Error(`${field.fullName}: map fields are not supported`);
  const base = { name: field.name, id: field.id, repeated: field.repeated, optional: field.partOf !== null };
  if (field.resolvedType instanceof protobuf.Type) {
    const reference = referenceTo(field.resolvedType, packageName);
    return { ...base, kind: 'message', ts: reference, reference, wire: 2, optional: !field.repeated };
  }
  if (field.resolvedType instanceof protobuf.Enum) {
    const reference = referenceTo(field.resolvedType, packageName);
    const zero = Object.entries(field.resolvedType.values).find(([, value]) => value === 0)[0];
    return { ...base, kind: 'enum', ts: reference, reference, wire: 0, zero: `${reference}.${zero}` };
  }
  const scalar = SCALARS[field.type];
  if (scalar === undefined) throw new Error(`${field.fullName}: unsupported field type ${field.type}`);
  const big = scalar.big !== undefined && field.options?.jstype === 'JS_STRING';
  return {
    ...base,
    kind: 'scalar',
    type: field.type,
    ts: big ? 'bigint' : scalar.ts,
    zero: big ? '0n' : scalar.zero,
    wire: scalar.wire,
    read: big ? `read${scalar.big}` : scalar.read,
    write: big ? `write${scalar.big}` : scalar.write,
    big,
  };
}

function typeOf(field) {
  if (field.repeated) return `readonly ${field.ts}[]`;
  return field.optional ? `${field.ts} | undefined` : field.ts;
}

function defaultOf(field) {
  if (field.repeated) return '[]';
  return field.optional ? 'undefined' : field.zero;
}

function readExpression(field) {
  if (field.kind === 'message') return `${field.reference}.decodeFrom(reader, readEnd(reader))`;
  if (field.kind === 'enum') return `reader.int32() as ${field.reference}`;
  return field.read === undefined ? `reader.${field.type}()` : `${field.read}(reader)`;
}

function writeStatement(field, value) {
  if (field.kind === 'message') return `${field.reference}.encodeTo(${value}, writer.fork()).ldelim();`;
  if (field.kind === 'enum') return `writer.int32(${value});`;
  return field.write === undefined ? `writer.${field.type}(${value});` : `${field.write}(writer, ${value});`;
}

function isSetExpression(field, value) {
  if (field.optional) return `${value} !== undefined`;
  if (field.kind === 'scalar' && (field.type === 'bytes' || field.type === 'string')) return `${value}.length > 0`;
  if (field.kind === 'scalar' && field.type === 'bool') return value;
  return `${value} !== ${field.big ? '0n' : '0'}`;
}

function encodeField(field) {
  const value = `message.${field.name}`;
  const tag = (wire) => `writer.uint32(${((field.id << 3) | wire) >>> 0});`;
  if (!field.repeated)
    return `    if (${isSetExpression(field, value)}) {\n      ${tag(field.wire)}\n      ${writeStatement(field, value)}\n    }`;
  if (field.wire === 2) {
    return `    for (const item of ${value}) {\n      ${tag(2)}\n      ${writeStatement(field, 'item')}\n    }`;
  }
  return `    if (${value}.length > 0) {\n      ${tag(2)}\n      writer.fork();\n      for (const item of ${value}) ${writeStatement(
    field,
    'item',
  )}\n      writer.ldelim();\n    }`;
}

function decodeField(field) {
  const one = (wire, body) => `        case ${((field.id << 3) | wire) >>> 0}:\n${body}\n          break;`;
  if (!field.repeated) return one(field.wire, `          message.${field.name} = ${readExpression(field)};`);
  const push = `          message.${field.name}.push(${readExpression(field)});`;
  if (field.wire === 2) return one(2, push);
  const packed = `          for (const stop = readEnd(reader); reader.pos !== stop; ) {
            if (reader.pos > stop) throw new WireError('a packed field runs past its end');
  ${push}\n          }`;
  return `${one(field.wire, push)}\n${one(2, packed)}`;
}

/** Interface, `create`, `encode` and `decode` of one message. */
export function renderMessage(protobuf, type, packageName) {
  const name = referenceTo(type, packageName);
  // In the order of their numbers, as every other implementation writes them.
  const sorted = [...type.fieldsArray].sort((left, right) => left.id - right.id);
  const fields = sorted.map((field) => describe(protobuf, field, packageName));
  const shape = fields.map((field) => `  readonly ${field.name}: ${typeOf(field)};`);
  const mutable = fields.map((field) => `${field.name}: ${field.repeated ? `${field.ts}[]` : typeOf(field)}`);
  const zero = fields.map((field) => `${field.name}: ${defaultOf(field)}`);
  const unused = fields.length === 0;
  return `export interface ${name} {\n${shape.join('\n')}\n}

export const ${name}: Codec<${name}> = {
  create(${unused ? '_' : ''}fields) {
    return { ${zero.join(', ')}${unused ? '' : ', ...fields'} };
  },
  encodeTo(${unused ? '_' : ''}message, writer) {
${fields.map(encodeField).join('\n')}
    return writer;
  },
  encode(message) {
    return encodeWhole(${name}, message);
  },
  decode(bytes) {
    return decodeWhole(${name}, '${packageName}.${name}', bytes);
  },
  decodeFrom(reader, end) {
    const message: { ${mutable.join('; ')} } = { ${zero.join(', ')} };
    while (reader.pos < end) {
      const tag = reader.tag();
      switch (tag) {
${fields.map(decodeField).join('\n')}
        default:
          reader.skipType(tag & 7, 0, tag >>> 3);
      }
    }
    if (reader.pos !== end) throw new WireError('a field runs past the end of ${packageName}.${name}');
    return message;
  },
};
`;
}
