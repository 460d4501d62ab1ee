import { expect, test } from 'vitest';
import { passwordSecret, scramSecret, verifiesScram } from '../../../src/postgres/scram.ts';

test('a secret has the form that PostgreSQL stores', () => {
  expect(scramSecret('pencil')).toMatch(
    /^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/,
  );
});

test('it is known again by its password alone', () => {
  const secret = scramSecret('pencil');
  expect(verifiesScram(secret, 'pencil')).toBe(true);
  expect(verifiesScram(secret, 'Pencil')).toBe(false);
  expect(verifiesScram('md5d5b3b3f2c1a7c7f3e3d3e3f3a3b3c3d3', 'pencil')).toBe(false);
  expect(verifiesScram('', 'pencil')).toBe(false);
});

test('no two are alike', () => {
  expect(scramSecret('pencil')).not.toBe(scramSecret('pencil'));
});

/** RFC 7677, section 3: user "user", password "pencil". */
test('the keys are those of the RFC', () => {
  const secret = scramSecret('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
  expect(secret).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
});

test.each([
  ['md5d5b3b3f2c1a7c7f3e3d3e3f3a3b3c3d3'],
  [scramSecret('pencil')],
  ['the server prepares what is not ASCII: pencil’s'],
])('%s goes to the server as it is', (password) => expect(passwordSecret(password)).toBe(password));

test('any other password stays here', () => {
  expect(verifiesScram(passwordSecret('md5 is no hash'), 'md5 is no hash')).toBe(true);
});
