// Renders one proto package as one TypeScript module.
import { renderMessage } from './message.mjs';

/** Names of other packages that a namespace's messages and services refer to. */
function importsOf(protobuf, namespace) {
  const found = new Set();
  const note = (type) => {
    if (type === null || type === undefined) return;
    const owner = packageOf(type);
    if (owner !== namespace.name) found.add(owner);
  };
  for (const item of flatten(protobuf, namespace)) {
    if (item instanceof protobuf.Type) for (const field of item.fieldsArray) note(field.resolvedType);
    if (item instanceof protobuf.Service) {
      for (const method of item.methodsArray) {
        note(method.resolvedRequestType);
        note(method.resolvedResponseType);
      }
    }
  }
  return [...found].sort();
}

function packageOf(type) {
  return type.fullName.slice(1).split('.')[0];
}

function flatten(protobuf, namespace) {
  return (namespace.nestedArray ?? []).flatMap((item) =>
    item instanceof protobuf.Type ? [item, ...flatten(protobuf, item)] : [item],
  );
}

/** How `type` is written in the module of `packageName`; a nested type `A.B` becomes `AB`. */
export function referenceTo(type, packageName) {
  const [owner, ...path] = type.fullName.slice(1).split('.');
  return owner === packageName ? path.join('') : `${owner}.${path.join('')}`;
}

function renderEnum(item, packageName) {
  const name = referenceTo(item, packageName);
  const members = Object.entries(item.values).map(([key, value]) => `  ${key}: ${value},`);
  return `export const ${name} = {\n${members.join('\n')}\n} as const;
/** A number of \`${name}\`; a value that a newer peer sent may be outside it. */
export type ${name} = (typeof ${name})[keyof typeof ${name}];\n`;
}

function renderService(service, packageName) {
  const methods = service.methodsArray.map((method) => {
    const request = referenceTo(method.resolvedRequestType, packageName);
    const response = referenceTo(method.resolvedResponseType, packageName);
    const path = `/${packageName}.${service.name}/${method.name}`;
    return `  ${method.name[0].toLowerCase()}${method.name.slice(1)}: method('${path}', ${request}, ${response}, ${
      method.requestStream === true
    }, ${method.responseStream === true}),`;
  });
  return `/** Methods of the service \`${packageName}.${service.name}\`, in the shape grpc-js expects. */
export const ${service.name} = {\n${methods.join('\n')}\n} as const;\n`;
}

/** What a module may need of the codecs' own primitives. */
const wireNames = [
  'WireError',
  'decodeWhole',
  'emptyBytes',
  'encodeWhole',
  'method',
  'readEnd',
  'readInt64',
  'readInt64Big',
  'readUint64',
  'readUint64Big',
  'writeInt32',
  'writeInt64',
  'writeInt64Big',
  'writeUint32',
  'writeUint64',
  'writeUint64Big',
];

/** The whole module as text. */
export function renderModule(protobuf, namespace, file) {
  // Services come last: their definitions hold the codecs of the messages.
  const items = flatten(protobuf, namespace).sort(
    (a, b) => Number(a instanceof protobuf.Service) - Number(b instanceof protobuf.Service),
  );
  const imports = importsOf(protobuf, namespace).map(
    (name) => `import * as ${name} from './${name.replaceAll('_', '-')}.ts';`,
  );
  const bodies = items.map((item) => {
    if (item instanceof protobuf.Enum) return renderEnum(item, namespace.name);
    if (item instanceof protobuf.Service) return renderService(item, namespace.name);
    return renderMessage(protobuf, item, namespace.name);
  });
  const text = bodies.join('\n');
  const wire = ['type Codec', ...wireNames].filter((name) =>
    new RegExp(`\\b${name.replace('type ', '')}\\b`).test(text),
  );
  return `// Generated from ${file}; edit that file instead.\n${imports.join('\n')}${imports.length > 0 ? '\n' : ''}${
    wire.length > 0 ? `import { ${wire.join(', ')} } from '../wire.ts';\n` : ''
  }\n${text}`;
}
