import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { readEnforcedParameters } from '../../../src/instance/enforced-parameters.ts';
import type { ServerContext } from '../../../src/instance/server-context.ts';
import { directoryWith } from './support.ts';

/** What is read when this script stands in for pg_controldata; undefined: there is no such program. */
function readFrom(script: string | undefined) {
  const binDirectory = directoryWith();
  if (script !== undefined)
    writeFileSync(join(binDirectory, 'pg_controldata'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const context = {
    children: { spawn },
    installation: { binDirectory },
    dataDirectory: '/nowhere',
    env: process.env,
    log: pino({ enabled: false }),
  };
  return readEnforcedParameters(context as unknown as ServerContext, { max_connections: '50' });
}

test('a control file that holds more than is asked for enforces it', async () => {
  expect(await readFrom('echo "max_connections setting: 100"')).toEqual(
    new Map([['max_connections', '100']]),
  );
  expect(await readFrom('echo "max_connections setting: 50"')).toEqual(new Map());
});

test('a program that is missing, or fails, tells nothing: that is not "everything is replayed"', async () => {
  expect(await readFrom(undefined)).toBeUndefined();
  expect(await readFrom('echo "pg_controldata: error: could not read file" >&2; exit 1')).toBeUndefined();
});
