import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { execa } from 'execa';
import { recordStart } from './record-start.ts';

/**
 * `npm run build`: everything that an image needs, in dist/: the program with what V8 has compiled of it at a start, the
 * Node that runs it, and a launcher for PATH.
 *
 * The program is one CommonJS file, which Node loads faster than as many ES modules (README, Decisions); what is imported
 * lazily in the sources is still evaluated only then, the modules of Node that it needs included.
 */
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
/** Where images put dist/; the launcher names it, since a shebang cannot search. */
const home = '/usr/lib/manager';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

rmSync(dist, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { program: 'bin/manager.ts', manager: 'images/entry.ts', recorder: 'images/recorder.ts' },
  outdir: dist,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node26',
  // Names stay: stack traces in the log are read by people.
  minifySyntax: true,
  minifyWhitespace: true,
  // One character a byte, for loader.ts.
  charset: 'ascii',
  legalComments: 'none',
  external: ['pg-native'],
  // As require(): the loader of ES modules would be started for nothing else.
  supported: { 'dynamic-import': false },
  define: {
    'import.meta.filename': '__filename',
    'import.meta.dirname': '__dirname',
    MANAGER_BUILD_VERSION: JSON.stringify(version),
    MANAGER_BUILD_COMMIT: JSON.stringify(await commit()),
  },
});
const program = join(dist, 'program.cjs');
// The source becomes the body of a function, which cannot begin with the line for the shell.
writeFileSync(program, readFileSync(program, 'latin1').replace(/^#!.*\n/, ''), 'latin1');
chmodSync(program, 0o644);
copyFileSync(process.execPath, join(dist, 'node'));
chmodSync(join(dist, 'node'), 0o755);
writeFileSync(join(dist, 'launcher'), `#!${home}/node\nrequire('${home}/manager.cjs');\n`, { mode: 0o755 });
const trouble = await recordStart(dist);
if (trouble !== undefined) {
  process.stderr.write(
    `build: no start was recorded, so that every start compiles the program: ${trouble}\n`,
  );
}
rmSync(join(dist, 'recorder.cjs'));

/** Of the working tree; `unknown` in an archive without git. */
async function commit(): Promise<string> {
  const git = async (...args: string[]) => (await execa('git', args, { cwd: root, stdin: 'ignore' })).stdout;
  try {
    const isDirty = (await git('status', '--porcelain')) !== '';
    return `${await git('rev-parse', '--short=12', 'HEAD')}${isDirty ? '-dirty' : ''}`;
  } catch {
    return 'unknown';
  }
}
