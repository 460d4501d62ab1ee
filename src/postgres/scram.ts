import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

/** PostgreSQL's own (scram_iterations). */
const iterations = 4_096;
const saltLength = 16;
const digest = 'sha256';

/** What a server stores in the place of a password (RFC 5803): the clear text never leaves this process. */
export function scramSecret(password: string, salt: Buffer = randomBytes(saltLength)): string {
  const { storedKey, serverKey } = keysOf(password, salt, iterations);
  const parts = [storedKey, serverKey].map((key) => key.toString('base64')).join(':');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${parts}`;
}

/**
 * What is sent to the server for a password (contract 03, 3.18): what it will store, so that the clear text stays here. One
 * that is in a stored form already stays as it is, and so does one that is not plain ASCII: how such a one is prepared
 * (SASLprep, RFC 4013) the server must decide, since clients do it in the same way.
 */
export function passwordSecret(password: string): string {
  const isStored =
    /^md5[0-9a-f]{32}$/.test(password) || /^SCRAM-SHA-256\$\d+:[^$]+\$[^:]+:.+$/.test(password);
  return isStored || !/^[ -~]*$/.test(password) ? password : scramSecret(password);
}

/** Whether a stored secret is that of this password. False for anything else than SCRAM. */
export function verifiesScram(secret: string, password: string): boolean {
  const match = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(secret);
  if (match === null) return false;
  const [, count = '', salt = '', stored = ''] = match;
  const { storedKey } = keysOf(password, Buffer.from(salt, 'base64'), Number(count));
  const expected = Buffer.from(stored, 'base64');
  return expected.length === storedKey.length && timingSafeEqual(expected, storedKey);
}

/** RFC 5802, section 3. Passwords here are plain ASCII, which SASLprep leaves as they are. */
function keysOf(password: string, salt: Buffer, count: number) {
  const salted = pbkdf2Sync(password, salt, count, 32, digest);
  const hmac = (text: string) => createHmac(digest, salted).update(text).digest();
  const storedKey = createHash(digest).update(hmac('Client Key')).digest();
  return { storedKey, serverKey: hmac('Server Key') };
}
