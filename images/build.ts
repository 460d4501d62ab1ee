import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { execa } from 'execa';

/**
 * `npm run build`: everything that an image needs, in dist/: the program as one directory of minified modules, the Node
 * that runs it, and a launcher for PATH.
 */
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
/** Where images put dist/; the launcher names it, since a shebang cannot search. */
const home = '/usr/lib/manager';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

rmSync(dist, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { manager: 'bin/manager.ts' },
  outdir: dist,
  bundle: true,
  // What is imported lazily stays in modules of its own, so that a start loads no more than it needs.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  minify: true,
  // Stack traces in the log are read by people.
  keepNames: true,
  external: ['pg-native'],
  // CommonJS packages call require for Node's own modules.
  banner: {
    js: "import{createRequire as bundleRequire}from'node:module';const require=bundleRequire(import.meta.url);",
  },
  define: {
    MANAGER_BUILD_VERSION: JSON.stringify(version),
    MANAGER_BUILD_COMMIT: JSON.stringify(await commit()),
  },
  legalComments: 'none',
});
copyFileSync(process.execPath, join(dist, 'node'));
chmodSync(join(dist, 'node'), 0o755);
writeFileSync(join(dist, 'package.json'), '{"type":"module"}\n');
writeFileSync(join(dist, 'launcher'), `#!${home}/node\nawait import('${home}/manager.js');\n`, {
  mode: 0o755,
});

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
