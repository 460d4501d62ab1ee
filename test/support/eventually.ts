/** Milliseconds that anything here may take; a machine under load is slow, a hang is longer. */
export const patience = 60_000;

/** Waits for something, and says what it was when it does not come. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  deadline = patience,
): Promise<NonNullable<T>> {
  const end = Date.now() + deadline;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as NonNullable<T>;
    if (Date.now() > end) throw new Error(`waited ${deadline / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function withDeadline<T>(what: string, promise: Promise<T>, report: () => string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`waited ${patience / 1000} s for ${what}\n${report()}`)),
    patience,
  );
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
