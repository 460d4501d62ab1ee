import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';

const program = join(__dirname, 'program.cjs');

/**
 * The program, compiled from what V8 has kept of an earlier run (`npm run build`): every start needs the same of it. Node's
 * own cache (`module.enableCompileCache`) is no use in an image: it is kept for each user.
 * V8 passes over a cache of another version or of other flags, and compiles.
 */
export function compileProgram(): Script {
  const source = readFileSync(program, 'latin1');
  return new Script(`(function(require,module,exports,__filename,__dirname){${source}\n})`, {
    filename: program,
    cachedData: readCache(),
  });
}

export function runProgram(script: Script): void {
  const run = script.runInThisContext() as (...names: readonly unknown[]) => void;
  run(require, module, module.exports, program, __dirname);
}

function readCache(): Buffer | undefined {
  try {
    return readFileSync(`${program}.cache`);
  } catch {
    return undefined;
  }
}
