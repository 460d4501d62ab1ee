/** Where Secrets come from. */
export interface SecretReader {
  /**
   * The members of a Secret; undefined when there is none of that name. Rejects when that cannot be told: no answer, or not
   * allowed yet (contract 03, 1.5).
   */
  read(name: string, signal: AbortSignal): Promise<SecretContent | undefined>;
}

export interface SecretContent {
  readonly data: ReadonlyMap<string, Buffer>;
  /** Changes with every write; compared for equality only. */
  readonly version: string;
  readonly annotations: Readonly<Record<string, string>>;
}
