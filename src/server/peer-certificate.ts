import { X509Certificate } from 'node:crypto';
import { certificateBlocks, type KeyPair } from './tls.ts';

/** How instances of a Cluster know each other: all show the same certificate, that of the server (contract 03, 3.17). */
export interface PeerTls extends KeyPair {
  /** Certificates of those who may sign it. */
  readonly ca: string;
}

/** Between a certificate and one of the authorities. */
const longestChain = 8;

/**
 * Whether a certificate is one of a server of this Cluster: it has the key of our own; or, while a new one is being handed out
 * and not everybody has it yet, the same names, by the word of the same authorities. That those have signed it is not enough:
 * they sign for clients as well. Whoever shows it has proved to TLS that it has the key.
 *
 * @param leaf with the certificates that came with it, as far as they are known (issuerCertificate)
 * @param isVerified TLS has found already that our authorities have signed it
 */
export function isOfServer(leaf: X509Certificate, { cert, ca }: PeerTls, isVerified = false): boolean {
  const own = new X509Certificate(cert);
  if (!isValid(leaf)) return false;
  if (leaf.publicKey.equals(own.publicKey)) return true;
  return hasSameNames(leaf, own) && (isVerified || isSigned(leaf, authorities(ca)));
}

/** One without alternative names is none that a server of the operator has: a client may have the same subject. */
function hasSameNames(one: X509Certificate, other: X509Certificate): boolean {
  const { subject, subjectAltName } = one;
  return subjectAltName !== undefined && subjectAltName === other.subjectAltName && subject === other.subject;
}

function isSigned(leaf: X509Certificate, trusted: readonly X509Certificate[]): boolean {
  let certificate = leaf;
  for (let length = 0; length < longestChain; length += 1) {
    const present = certificate;
    if (trusted.some((authority) => isSignedBy(present, authority))) return true;
    const issuer = present.issuerCertificate;
    if (issuer === undefined || !isValid(issuer) || !isSignedBy(present, issuer)) return false;
    certificate = issuer;
  }
  return false;
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isValid({ validFromDate, validToDate }: X509Certificate): boolean {
  const now = Date.now();
  return validFromDate.getTime() <= now && now <= validToDate.getTime();
}

function authorities(pem: string): X509Certificate[] {
  return certificateBlocks(pem).map((block) => new X509Certificate(block));
}
