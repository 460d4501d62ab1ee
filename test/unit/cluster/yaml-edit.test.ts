import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { editYaml } from '../../../src/cluster/yaml-edit.ts';

const status = (value: unknown) => [{ path: ['status'], value }];
const version = (value: string) => [{ path: ['metadata', 'resourceVersion'], value }];

describe('an edit leaves the rest of the file alone', () => {
  const written = `# Our cluster
apiVersion: postgresql.cnpg.io/v1
kind:   Cluster   # aligned by hand
metadata: {name: demo}

spec:
    instances: 3  # three of them
    postgresql:
        pg_hba:
        - 'host all all all trust'   # not indented, in single quotes


        - "local all all peer"
    # stopDelay: 30
# the end
`;
  test('where the value was not there', async () => {
    const edited = await editYaml(written, [...status({ targetPrimary: 'c-1' }), ...version('1')]);
    expect(edited).toBe(
      `${written.replace('{name: demo}', '{name: demo, "resourceVersion": "1"}')}`.replace(
        '# the end\n',
        '# the end\nstatus:\n  targetPrimary: c-1\n',
      ),
    );
  });
  test('where it was there, and wherever it stands', async () => {
    const text = 'a: 1 # one\nstatus:\n  x: 1 # own\n  y: [1,\n    2]\n# of b\nb:   2\n';
    expect(await editYaml(text, status({ z: { y: [3] } }))).toBe(
      'a: 1 # one\nstatus:\n  z:\n    y:\n      - 3\n# of b\nb:   2\n',
    );
    expect(await editYaml('status:\nb: 2\n', status({ x: 1 }))).toBe('status:\n  x: 1\nb: 2\n');
    expect(await editYaml('status: {}   # none\nb: 2\n', status({ x: 1 }))).toBe(
      'status:\n  x: 1   # none\nb: 2\n',
    );
  });
  test('in JSON', async () => {
    expect(await editYaml('{"metadata": {"name": "demo"}, "spec": {}}\n', version('1'))).toBe(
      '{"metadata": {"name": "demo", "resourceVersion": "1"}, "spec": {}}\n',
    );
    expect(await editYaml('{}', status({ x: 'y' }))).toBe('{"status": {"x":"y"}}');
  });
  test('below maps that are not there yet', async () => {
    const edit = [{ path: ['metadata', 'annotations', 'a/b'], value: '[]' }];
    expect(await editYaml('metadata:\n  name: demo\nspec:\n  x: 1\n', edit)).toBe(
      'metadata:\n  name: demo\n  annotations:\n    a/b: "[]"\nspec:\n  x: 1\n',
    );
    expect(await editYaml('metadata:\n  annotations:\n  name: demo\n', edit)).toBe(
      'metadata:\n  annotations:\n    a/b: "[]"\n  name: demo\n',
    );
  });
  test('with the ends of lines of another system, before the end of the document, without a last line feed', async () => {
    expect(await editYaml('a: 1\r\nb: 2\r\n', status({ x: 1 }))).toBe('a: 1\r\nb: 2\nstatus:\n  x: 1\r\n');
    expect(await editYaml('---\na: 1\n...\n', status({ x: 1 }))).toBe('---\na: 1\nstatus:\n  x: 1\n...\n');
    expect(await editYaml('a: 1', status({ x: 1 }))).toBe('a: 1\nstatus:\n  x: 1');
  });
});

describe('where the text cannot be spliced', () => {
  test('the document is written anew, with its comments', async () => {
    const text = 'a: |+\n  kept\n\n\n# of b\n? b\n: 1\n';
    const edited = await editYaml(text, [{ path: ['b'], value: 2 }]);
    expect(parse(edited)).toEqual({ a: 'kept\n\n\n', b: 2 });
    expect(edited).toContain('# of b');
  });
  test.each(['status: &s {x: 1}\nb: *s\n', 'm: &m {a: 1}\nmetadata: *m\n', '- 1\n', 'a: [\n', ''])(
    '%j is refused rather than damaged',
    async (text) => {
      const edits = [...status({ y: 1 }), ...version('1')];
      await expect(editYaml(text, edits)).rejects.toMatchObject({ code: 'BAD_CLUSTER_FILE' });
    },
  );
});

/** Any Cluster, written in any of the library's styles, with comments wherever a line ends. */
const name = fc.stringMatching(/^[a-z][a-z/.-]{0,8}$/);
const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant('two\nlines\n'));
const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
})).value;
const writing = fc.record({
  value: fc.record(
    {
      metadata: fc.record({ name, resourceVersion: name }, { requiredKeys: ['name'] }),
      spec: tree,
      status: tree,
    },
    { requiredKeys: ['metadata', 'spec'] },
  ),
  style: fc.record({
    indent: fc.integer({ min: 2, max: 5 }),
    indentSeq: fc.boolean(),
    lineWidth: fc.constantFrom(0, 30, 80),
    defaultStringType: fc.constantFrom('PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE') as fc.Arbitrary<'PLAIN'>,
  }),
  comments: fc.array(fc.nat(3), { minLength: 5, maxLength: 5 }),
});

function write({ value, style, comments }: typeof writing extends fc.Arbitrary<infer File> ? File : never) {
  const sections = Object.entries(value).map(([key, each], index) => {
    const text = stringify({ [key]: each }, style);
    return `${comments[index] === 0 ? `# before ${key}\n\n` : ''}${text}`;
  });
  return `# first\n${sections.join('')}# last\n`;
}

test('whatever the file, the result says what was meant and keeps every line of the others', async () => {
  await fc.assert(
    fc.asyncProperty(writing, tree, name, async (file, newStatus, newVersion) => {
      const text = write(file);
      fc.pre(JSON.stringify(parse(text)) === JSON.stringify(file.value));
      const edited = await editYaml(text, [...status(newStatus), ...version(newVersion)]);
      const { metadata } = file.value;
      expect(parse(edited)).toEqual({
        ...file.value,
        metadata: { ...metadata, resourceVersion: newVersion },
        status: newStatus,
      });
      const kept = (section: string) =>
        section.split('\n').filter((line) => !/^ *['"]?resourceVersion/.test(line));
      const original = write({ ...file, value: { metadata, spec: file.value.spec } });
      const lines = edited.split('\n');
      let at = 0;
      for (const line of kept(original)) {
        at = lines.indexOf(line, at) + 1;
        expect(at, `the line ${JSON.stringify(line)} of ${edited}`).toBeGreaterThan(0);
      }
      // Once it is in, a new value replaces it and nothing piles up.
      expect(await editYaml(edited, status(newStatus))).toBe(edited);
    }),
    { numRuns: 400 },
  );
});
