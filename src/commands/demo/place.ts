/** Where one instance lives. */
export interface Place {
  readonly number: number;
  readonly name: string;
  readonly home: string;
  readonly dataDirectory: string;
  readonly port: number;
  readonly statusPort: number;
}

/** Everything that the demo has set up before it starts anything. */
export interface Stage {
  readonly directory: string;
  readonly clusterFile: string;
  readonly places: readonly Place[];
  readonly binDirectory: string;
  readonly major: number;
  /** Descriptor of the directory, locked as long as anybody has it open. */
  readonly lock: number;
}
