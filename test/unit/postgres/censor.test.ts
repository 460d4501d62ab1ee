import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { passwordCensor } from '../../../src/postgres/censor.ts';

/** As initdb writes it (escape_quotes, string.c). */
const inSql = (password: string) =>
  `STATEMENT:  ALTER USER "x" WITH PASSWORD E'${password.replace(/['\\]/g, '$&$&')}';`;
const without = 'STATEMENT:  ALTER USER "x" WITH PASSWORD [secret];';

describe('a password in the output of initdb', () => {
  test.each(['sekret9', `it's \\ "7"`, `''\\\\`, 'ab', '[secret]'])(
    '%j is shown neither in SQL nor as it is',
    (password) => {
      const censor = passwordCensor(password);
      expect(censor(inSql(password))).toBe(without);
      if (password.length >= 4) expect(censor(`before ${password} after`)).toBe('before [secret] after');
    },
  );
  test('any password, also one of several lines, of which initdb takes the first', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (password) => {
        const [first = ''] = password.split(/\r?\n/);
        expect(passwordCensor(password)(inSql(first))).toBe(without);
      }),
      { numRuns: 2000 },
    );
  });
  test('whose literal was cut at the end of the line', () => {
    expect(passwordCensor('sekret9')("PASSWORD E'sekr")).toBe('PASSWORD [secret]');
  });
  test('that is very short leaves other lines as they are', () => {
    expect(passwordCensor('e')('creating template1 database ... ok')).toBe(
      'creating template1 database ... ok',
    );
  });
});
