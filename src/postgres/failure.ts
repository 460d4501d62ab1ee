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
