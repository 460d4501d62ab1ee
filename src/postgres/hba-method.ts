/** Methods of pg_hba.conf (PostgreSQL manual, 21.1), of all majors; whether a server was built with one, only it knows. */
const methods = [
  ...[
    'trust',
    'reject',
    'scram-sha-256',
    'md5',
    'password',
    'gss',
    'sspi',
    'ident',
    'peer',
    'ldap',
    'radius',
  ],
  ...['cert', 'pam', 'bsd', 'oauth'],
];
/** They mean the same everywhere, and need no options. */
const plainMethods = ['trust', 'reject', 'scram-sha-256', 'md5', 'password'];

/** Methods that a line `host` cannot have, and why. */
const misplaced: Readonly<Record<string, string>> = {
  peer: 'works on local sockets only',
  cert: 'works on lines of the kind hostssl only',
};

/**
 * @param method of a line `host`, with its options
 * @returns why no server would take it, as far as that is known without one; undefined when one may
 */
export function whyNotHostMethod(method: string): string | undefined {
  const [name = ''] = method.trim().split(/\s+/);
  if (!methods.includes(name)) return `${name} is no method of pg_hba.conf; there are ${methods.join(', ')}`;
  return misplaced[name] === undefined ? undefined : `${name} ${misplaced[name]}`;
}

/** Whether only a server can tell if it takes the method: it has options, or depends on how the server was built. */
export function needsTrial(method: string): boolean {
  return !plainMethods.includes(method.trim());
}
