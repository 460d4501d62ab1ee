import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** One request as the API server has written it down. */
export interface AuditedRequest {
  readonly verb: string;
  /** Plural, with the subresource: `clusters/status`. */
  readonly resource: string;
  /** Empty: no object was named. */
  readonly name: string;
  readonly code: number;
  readonly uri: string;
  /** A watch is told of when it begins, and once more when it ends. */
  readonly stage: 'ResponseStarted' | 'ResponseComplete' | 'Panic';
  /** RFC 3339 with microseconds. */
  readonly at: string;
  /** The same, when it had been answered. */
  readonly answeredAt: string;
  /** Address from which it came. */
  readonly source: string;
}

interface Line {
  readonly stage: AuditedRequest['stage'];
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly sourceIPs?: readonly string[];
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
}

/** Writes down who asked for what, of service accounts only: the server's own requests are many. */
export function writeAuditPolicy(path: string): void {
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }],
  };
  writeFileSync(path, JSON.stringify(policy));
}

/** All requests of one user, in the order in which they were answered. */
export function requestsOf(path: string, user: string): AuditedRequest[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  // What follows the last line break is still being written.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.user.username === user)
    .map(requestOf);
}

function requestOf({ verb, stage, requestURI, requestReceivedTimestamp, ...line }: Line): AuditedRequest {
  const { resource = '', subresource, name = '' } = line.objectRef ?? {};
  return {
    ...{ verb, stage, name },
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    code: line.responseStatus?.code ?? 0,
    uri: requestURI,
    at: requestReceivedTimestamp,
    answeredAt: line.stageTimestamp,
    source: line.sourceIPs?.[0] ?? '',
  };
}
