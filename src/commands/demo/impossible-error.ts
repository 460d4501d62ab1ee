/** What cannot be done now; the message says why, and what to do about it. */
export class ImpossibleError extends Error {}
