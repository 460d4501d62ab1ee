/** Signals that ask something of the manager. Everything else is left to the kernel's default. */
export type ControlSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP';

const controlSignals: readonly ControlSignal[] = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'];

/** Where signals come from. */
export type SignalSource = Pick<SignalInbox, 'listen'>;

/**
 * Receives signals from the first line of the program on and keeps them until somebody listens: the kernel
 * throws away a TERM or INT for which PID 1 of a namespace has no handler (pid_namespaces(7)), so a handler
 * installed late means a stop request lost.
 */
export class SignalInbox {
  readonly #waiting: ControlSignal[] = [];
  #listener: ((signal: ControlSignal) => void) | undefined;

  /** Installs the handlers. Once a process. */
  install(): void {
    for (const signal of controlSignals) process.on(signal, () => this.#receive(signal));
    // Without a handler Node answers USR1 by opening its debugger port, and USR2 would end the process.
    process.on('SIGUSR1', () => {});
    process.on('SIGUSR2', () => {});
  }

  /** Hands over what came so far, in order, and everything that comes later. Replaces an earlier listener. */
  listen(listener: (signal: ControlSignal) => void): void {
    this.#listener = listener;
    for (const signal of this.#waiting.splice(0)) listener(signal);
  }

  #receive(signal: ControlSignal): void {
    if (this.#listener === undefined) this.#waiting.push(signal);
    else this.#listener(signal);
  }
}
