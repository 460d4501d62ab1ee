import type { ServerOptions } from 'node:https';

/** A certificate and its key, in PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/**
 * Options of a listener with TLS (contract 02, 2.2). A certificate is asked for, and nobody is turned away for want of one:
 * probes have none. No `ca` is given, since the operator would then send none (contract 02, 2.3).
 */
export function serverTls({ cert, key }: KeyPair): ServerOptions {
  return { cert, key, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: false };
}

/** The certificates in a text, each in PEM; what stands between them is for people. */
export function certificateBlocks(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
