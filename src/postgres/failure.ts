import type { ErrorCode } from '../errors/catalogue.ts';

/** Beginnings and parts of messages (C locale) with which a server explains that it cannot start. */
const patterns: ReadonlyArray<readonly [RegExp, ErrorCode]> = [
  [
    /lock file "postmaster\.pid" already exists|another postmaster \(PID \d+\) running in data directory|pre-existing shared memory block/,
    'PGDATA_IN_USE',
  ],
  [
    /could not bind|could not create any (TCP\/IP|Unix-domain) sockets?|another postmaster \(PID \d+\) using socket file|lock file ".*" already exists/,
    'PORT_IN_USE',
  ],
  [/database files are incompatible with server/, 'PGDATA_OTHER_MAJOR'],
  [/has invalid permissions/, 'PGDATA_MODE'],
  [/has wrong ownership/, 'PGDATA_OWNER'],
  [/No space left on device/, 'NO_SPACE'],
  [
    /unrecognized configuration parameter|invalid value for parameter|configuration file ".*" contains errors|is outside the valid range for parameter|requires a (value|Boolean value|numeric value|integer value)|could not load .*pg_hba|-c .* requires a value|invalid argument|invalid (command-line )?option|unrecognized option/,
    'PARAMETER_INVALID',
  ],
];

/**
 * Names the reason of a failed start from the last messages of the server, the most telling one first.
 *
 * @param unknown the code when none of them is known
 */
export function classifyFailure(
  messages: readonly string[],
  unknown: ErrorCode = 'POSTGRES_FAILED',
): ErrorCode {
  for (const [pattern, code] of patterns) {
    if (messages.some((message) => pattern.test(message))) return code;
  }
  return unknown;
}

/** Codes of a server that has ended by itself: the process ends with the status of the server then, and not with theirs. */
export const endCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'POSTGRES_FAILED',
  ...patterns.map(([, code]) => code).filter((code) => code !== 'NO_SPACE'),
]);

/**
 * The same for a server that ran, or was to run, on its own: NO_SPACE means an exit status for which an operator waits
 * (contract 01, 1.6), so that it is said when there is no room for WAL, and never else.
 *
 * @param isFull whether there is none
 */
export function classifyEnd(messages: readonly string[], isFull: boolean): ErrorCode {
  if (isFull) return 'NO_SPACE';
  const code = classifyFailure(messages);
  return code === 'NO_SPACE' ? 'POSTGRES_FAILED' : code;
}
