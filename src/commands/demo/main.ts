import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManagerError, messageOf } from '../../errors/manager-error.ts';
import { SignalInbox } from '../../process/signal-inbox.ts';
import { type DemoOptions, parseOptions, usage } from './options.ts';

// Before anything else is loaded, so that Ctrl-C never leaves something behind.
const inbox = new SignalInbox();
inbox.install();
// Node would print its notice about node:ffi into the screen.
process.removeAllListeners('warning');

/** The clone that this file lies in. */
const root = fileURLToPath(new URL('../../..', import.meta.url));

process.exit(await main());

async function main(): Promise<number> {
  let options: DemoOptions;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`demo: ${messageOf(error)}\n\n${usage}`);
    return 1;
  }
  if (options.isHelp) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    const { play } = await import('./play.ts');
    return await play(
      { ...options, directory: resolve(options.directory ?? join(root, '.local', 'demo')) },
      inbox,
    );
  } catch (error) {
    const remedy = error instanceof ManagerError ? `\n${error.remedy}` : '';
    process.stderr.write(`demo: ${messageOf(error)}${remedy}\n`);
    return 1;
  }
}
