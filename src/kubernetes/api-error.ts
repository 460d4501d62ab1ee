/** Why an API server did not do what it was asked: the HTTP status, or that no answer came. */
export class ApiError extends Error {
  /** HTTP status; undefined: no answer, so that nobody knows whether the request was carried out. */
  readonly status: number | undefined;
  /** Kubernetes' own word for it, such as `Conflict`, `NotFound`, `Expired`; empty when there is none. */
  readonly reason: string;
  /** Milliseconds that the server asks to be left alone; undefined: it did not say. */
  readonly retryAfter: number | undefined;

  constructor(
    message: string,
    facts: { status?: number | undefined; reason?: string; retryAfter?: number | undefined } = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ApiError';
    this.status = facts.status;
    this.reason = facts.reason ?? '';
    this.retryAfter = facts.retryAfter;
  }
}

/** Whether the object has changed since it was read, so that a conditioned write was not taken. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** The resourceVersion that a watch was to begin from is no longer known: everything must be read anew. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 410 || error.reason === 'Expired');
}

/**
 * The server is about to be ready, or will be another one: 503 before it has read which resources there are, or behind which no
 * server is; 429 of a watch before it has read what it watches for others (`pkg/storage/cacher` of k8s.io/apiserver). It asks
 * for 5 s and 1 s by rote then, which is longer than it takes; it is not that it has too much to do.
 */
export function isStarting(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status === 503 || (error.status === 429 && error.message.includes('(re)initializing'));
}

/**
 * Milliseconds before which the server does not want to be asked again: as it has said, and up to a quarter more, since whoever
 * was turned away at the same moment would come back at the same moment. 0: it has not said so, or is only starting.
 *
 * @param error an ApiError, or one that an ApiError has caused
 */
export function pauseAskedBy(error: unknown): number {
  const cause = error instanceof Error && !(error instanceof ApiError) ? error.cause : error;
  if (isStarting(cause)) return 0;
  const asked = cause instanceof ApiError ? (cause.retryAfter ?? 0) : 0;
  return Math.min(asked, 10_000) * (1 + Math.random() / 4);
}

/**
 * The error that an answer other than 2xx stands for; its body usually is an object of kind Status.
 *
 * @param retryAfter value of the header of that name, in seconds
 */
export function errorOf(
  what: string,
  status: number,
  body: string,
  retryAfter: string | undefined,
): ApiError {
  const told = statusOf(body);
  // The header may be a date; an API server says seconds.
  const seconds = [retryAfter, told.details?.retryAfterSeconds].map(Number).find((value) => value >= 0);
  return new ApiError(`${what}: ${status} ${told.message ?? body.slice(0, 200)}`, {
    status,
    reason: told.reason ?? '',
    retryAfter: seconds === undefined ? undefined : seconds * 1000,
  });
}

interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly retryAfterSeconds?: number };
}

function statusOf(body: string): Status {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Status) : {};
  } catch {
    return {};
  }
}
