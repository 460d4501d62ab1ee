/** What the postmaster is told by a signal (manual page of postgres), and what nobody can refuse. */
export type Signal = 'smart' | 'fast' | 'immediate' | 'kill';

/** Which of two counts. */
export const hardness: Record<Signal, number> = { smart: 0, fast: 1, immediate: 2, kill: 3 };
