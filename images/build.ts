import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { execa } from 'execa';

/**
 * `npm run build`: everything that an image needs, in dist/: the program, the libraries that it loads later, the Node that
 * runs it, and a launcher for PATH.
 *
 * The program is one CommonJS file: Node loads it in half the time of as many ES modules, and what is imported lazily in
 * the sources is still evaluated only then, the modules of Node that it needs included.
 */
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
/** Where images put dist/; the launcher names it, since a shebang cannot search. */
const home = '/usr/lib/manager';
/** Libraries that not every start needs, or not before the server runs: files of their own. */
const libraries = ['pg', 'yaml'];

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** Lets the program find them beside itself. */
const beside: Plugin = {
  name: 'libraries beside the program',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^(${libraries.join('|')})$`) }, ({ path }) => ({
      path: `./${path}.cjs`,
      external: true,
    }));
  },
};

const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node26',
  // Names stay: stack traces in the log are read by people.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  outExtension: { '.js': '.cjs' },
  outdir: dist,
} satisfies BuildOptions;

rmSync(dist, { recursive: true, force: true });
await build({ ...common, entryPoints: libraries, external: ['pg-native'] });
await build({
  ...common,
  entryPoints: { manager: 'bin/manager.ts' },
  plugins: [beside],
  // As require(): the loader of ES modules would be started for nothing else.
  supported: { 'dynamic-import': false },
  define: {
    'import.meta.filename': '__filename',
    'import.meta.dirname': '__dirname',
    MANAGER_BUILD_VERSION: JSON.stringify(version),
    MANAGER_BUILD_COMMIT: JSON.stringify(await commit()),
  },
});
copyFileSync(process.execPath, join(dist, 'node'));
chmodSync(join(dist, 'node'), 0o755);
writeFileSync(join(dist, 'launcher'), `#!${home}/node\nrequire('${home}/manager.cjs');\n`, { mode: 0o755 });

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
