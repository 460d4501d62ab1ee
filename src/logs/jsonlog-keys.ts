import { jsonFields } from './record-fields.ts';

/** How the value of a key is used. */
export type KeyKind =
  | 'plain'
  /** Begins `connection_from`; a port may follow. */
  | 'host'
  | 'port'
  /** Parts of `location`, which csvlog prints as one: `function, file:line`. */
  | 'function'
  | 'file'
  | 'line'
  | 'severity'
  | 'state'
  | 'message'
  | 'backend';

export interface KeySpec {
  readonly kind: KeyKind;
  /** The key's own bytes, to be sure of a match. */
  readonly name: Uint8Array;
  /** `,"new_name":"` */
  readonly prefix: Uint8Array;
}

const special: Readonly<Record<string, readonly [KeyKind, string]>> = {
  remote_host: ['host', 'connection_from'],
  remote_port: ['port', 'connection_from'],
  func_name: ['function', 'location'],
  file_name: ['file', 'location'],
  file_line_num: ['line', 'location'],
  error_severity: ['severity', 'error_severity'],
  state_code: ['state', 'sql_state_code'],
  message: ['message', 'message'],
  backend_type: ['backend', 'backend_type'],
};

const plain = Object.entries(jsonFields).map(([name, to]) => [name, ['plain', to]] as const);

const table = new Map<number, KeySpec>();
for (const [name, [kind, to]] of [...plain, ...Object.entries(special)]) {
  const bytes = Buffer.from(name);
  table.set(fingerprint(bytes, 0, bytes.length), { kind, name: bytes, prefix: Buffer.from(`,"${to}":"`) });
}

/** Tells the known keys apart: their length, first, second and last but one byte. */
function fingerprint(bytes: Uint8Array, start: number, end: number): number {
  return ((end - start) << 24) | (bytes[start]! << 16) | (bytes[start + 1]! << 8) | bytes[end - 2]!;
}

/** The specification of a key of jsonlog; undefined for one that is not known. */
export function findKey(bytes: Uint8Array, start: number, end: number): KeySpec | undefined {
  const spec = end - start < 2 ? undefined : table.get(fingerprint(bytes, start, end));
  if (spec === undefined) return undefined;
  const { name } = spec;
  if (name.length !== end - start) return undefined;
  for (let index = 0; index < name.length; index += 1)
    if (bytes[start + index] !== name[index]) return undefined;
  return spec;
}
