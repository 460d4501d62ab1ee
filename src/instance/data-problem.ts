import type { InstanceFacts } from '../alignment/facts.ts';
import type { Logger } from '../logs/manager-log.ts';

/** Says once what is wrong with the data directory of a server that runs. Without a server it is a refusal that says so. */
export class DataProblem {
  readonly #log: Logger;
  #told: string | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  note({ dataProblem: error, server, data }: InstanceFacts): void {
    if (error !== undefined && error !== this.#told && server === 'up')
      this.#log.error({ error, data }, 'the data directory of the server that runs is damaged');
    this.#told = error;
  }
}
