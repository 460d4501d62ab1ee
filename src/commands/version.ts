import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { messageOf } from '../errors/manager-error.ts';
import { findInstallation } from '../postgres/io/installation.ts';

/** Milliseconds for a program that only tells its version. */
const patience = 5_000;

/** Prints one line each: manager, commit, Node, PostgreSQL. */
export function printVersion(build: { readonly version: string; readonly commit: string }): void {
  const lines = [
    `manager ${build.version}`,
    `commit ${build.commit}`,
    `node ${process.version}`,
    `postgresql ${serverVersion()}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function serverVersion(): string {
  try {
    const executable = process.env.POSTGRES_NAME || 'postgres';
    const path = process.env.PATH;
    const found = findInstallation({ binDirectory: undefined, wantedMajor: undefined, executable, path });
    const program = join(found.binDirectory, executable);
    const line = execFileSync(program, ['--version'], { encoding: 'utf8', timeout: patience }).trim();
    return `${line.replace(/^postgres \(PostgreSQL\) /, '')}, ${program}`;
  } catch (error) {
    return `not found: ${messageOf(error)}`;
  }
}
