/** Options of every `cluster` command. */
export interface ClusterOptions {
  readonly clusterFile: string;
}

/** Options of those that ask for something and follow it. */
export interface RequestOptions extends ClusterOptions {
  readonly wait: boolean;
  /** Seconds. */
  readonly timeout: number;
}

export interface ForcibleOptions extends RequestOptions {
  readonly force?: boolean;
}

export interface OverviewOptions extends ClusterOptions {
  readonly output?: 'text' | 'json';
}
