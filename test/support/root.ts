import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Runs a program of the system as root. */
export function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Bit of CAP_SYS_ADMIN (capabilities(7)). */
const sysAdmin = 1n << 21n;

/** Whether this process has the capability that mount(2) asks for. */
export function mayMount(): boolean {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return (BigInt(`0x${capabilities ?? '0'}`) & sysAdmin) !== 0n;
}
