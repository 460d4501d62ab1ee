import { messageOf } from '../errors/manager-error.ts';
import { findInstallation } from '../postgres/io/installation.ts';

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
    const executable = process.env.POSTGRES_NAME ?? 'postgres';
    const path = process.env.PATH;
    const found = findInstallation({ binDirectory: undefined, wantedMajor: undefined, executable, path });
    return `${found.major} (${found.binDirectory})`;
  } catch (error) {
    return `not found: ${messageOf(error)}`;
  }
}
