const shown = '[secret]';
/** Characters; a text that is shorter occurs by chance, and every place from which it is missing would tell it. */
const telling = 4;
/** The literal of an ALTER USER, up to the end of a line that was cut. */
const passwordLiteral = /\bPASSWORD\s+E?'(?:[^'\\]|''|\\.)*(?:'|\\?$)/gi;

/**
 * A password in what a program prints that had to set it: initdb shows its `ALTER USER … PASSWORD E'…'` when that fails, or
 * with `-c log_statement=all`.
 *
 * @param password as it was given; initdb takes its first line
 * @returns what replaces it in a line of output: as SQL writes it, and as it is
 */
export function passwordCensor(password: string): (line: string) => string {
  const [plain = ''] = password.split(/\r?\n/);
  // initdb escapes both, in whatever it writes (escape_quotes, string.c).
  const forms = [plain.replace(/['\\]/g, '$&$&'), plain].filter((form) => form.length >= telling);
  return (line) =>
    forms.reduce(
      (text, form) => text.replaceAll(form, shown),
      line.replace(passwordLiteral, `PASSWORD ${shown}`),
    );
}
