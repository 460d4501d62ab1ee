import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogue, type ErrorCode } from '../../../src/errors/catalogue.ts';
import { endCodes } from '../../../src/postgres/failure.ts';

test('the table of README.md is the catalogue', () => {
  const readme = readFileSync(join(import.meta.dirname, '..', '..', '..', 'README.md'), 'utf8');
  const table = readme.split('\n').filter((line) => /^\| `[A-Z_]+` \| \d+[^|]* \|/.test(line));
  const rows = Object.entries(catalogue).map(([code, { exitCode, meaning, remedy }]) => {
    const status = endCodes.has(code as ErrorCode) ? `${exitCode}, or the server's` : exitCode;
    return `| \`${code}\` | ${status} | ${meaning} | ${remedy} |`;
  });
  expect(table).toEqual(rows);
});

test('no other error than a missing space for WAL ends with 4', () => {
  const withFour = Object.entries(catalogue).filter(([, entry]) => entry.exitCode === 4);
  expect(withFour.map(([code]) => code)).toEqual(['NO_SPACE']);
});
