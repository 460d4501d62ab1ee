/** Protocol 3.0 (PostgreSQL manual, "Message Formats"): just enough to ask whether a server takes connections. */

const protocolVersion = 0x0003_0000;
const authenticationRequest = 0x52;
const errorResponse = 0x45;
const headerLength = 5;

/** A StartupMessage for a user and a database. */
export function encodeStartupMessage(user: string, database: string): Buffer {
  const parameters = Buffer.from(
    `user\0${user}\0database\0${database}\0application_name\0cnpg-instance-manager\0\0`,
  );
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + parameters.length, 0);
  head.writeInt32BE(protocolVersion, 4);
  return Buffer.concat([head, parameters]);
}

/** What the first message of a server says. */
export type StartupAnswer =
  /** It goes on with authentication: it takes connections. */
  | { readonly kind: 'accepts' }
  /** An error; `sqlState` 57P03 while it starts, stops or recovers. */
  | { readonly kind: 'refuses'; readonly sqlState: string; readonly text: string };

/** Undefined while the bytes received so far are no whole message. */
export function decodeStartupAnswer(bytes: Buffer): StartupAnswer | undefined {
  if (bytes.length < headerLength) return undefined;
  if (bytes[0] === authenticationRequest) return { kind: 'accepts' };
  const end = bytes.readInt32BE(1) + 1;
  if (bytes[0] !== errorResponse)
    return { kind: 'refuses', sqlState: '08P01', text: 'not a PostgreSQL server' };
  if (bytes.length < end) return undefined;
  const fields = new Map<string, string>();
  for (const field of bytes.toString('utf8', headerLength, end).split('\0')) {
    if (field !== '') fields.set(field.slice(0, 1), field.slice(1));
  }
  return { kind: 'refuses', sqlState: fields.get('C') ?? '', text: fields.get('M') ?? '' };
}
