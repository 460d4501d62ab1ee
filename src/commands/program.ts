import { Command, Help, InvalidArgumentError, Option } from 'commander';
import { buildVersion } from '../process/build.ts';
import { addClusterCommands } from './cluster-program.ts';
import { commandHelp, mainHelp } from './help.ts';
import type { GlobalOptions, ProgramContext, RunOptions, StatusOptions } from './options.ts';

/** The command tree (contract 01, 1.2), as far as it is built. Every command is loaded when it is called. */
export function buildProgram(context: ProgramContext): Command {
  const program = new Command('manager')
    .description('The PID 1 of a PostgreSQL container: starts, supervises, logs and probes one instance.')
    .addHelpText('after', () => `\n${runOptionsHelp()}${mainHelp}`)
    .option('--version', 'print the versions of the manager, Node and PostgreSQL')
    .exitOverride()
    .helpCommand(false)
    .usage('[options] <command>')
    .argument('[command]')
    .action(async (command: string | undefined, { version }: { version?: true }) => {
      if (version === true) await tellVersion();
      else if (command === undefined) program.outputHelp();
      else
        program.error(
          `error: unknown command ${command}\nTo run another program of the image: docker run --entrypoint ${command} IMAGE`,
        );
    });
  addLogOptions(program);

  const run = async (options: RunOptions, command: Command) => {
    const { runInstance } = await import('./instance-run.ts');
    const all = { ...command.optsWithGlobals<RunOptions & GlobalOptions>(), ...options };
    context.finish(await runInstance(all, context, command.args));
  };

  addRunOptions(program.command('postgres'))
    .description('run one instance; what follows goes to the server, as with the `postgres` image')
    .usage('[server arguments]')
    .addHelpText('after', commandHelp.postgres)
    .action(run);

  const instance = program
    .command('instance')
    .description('commands that look after an instance')
    .helpCommand(false);
  addRunOptions(instance.command('run'))
    .description('run one instance as PID 1')
    .usage('[options] [-- server arguments]')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', commandHelp.instanceRun)
    .action(run);
  instance
    .command('status')
    .description('show the status of the running instance')
    .addOption(
      new Option('--output <format>', 'text or json (default: text on a terminal, else json)').choices([
        'text',
        'json',
      ]),
    )
    .option('--status-port <port>', 'port of the status server', port, 8000)
    .action(async (options: StatusOptions) => {
      const { showStatus } = await import('./instance-status.ts');
      context.finish(await showStatus(options));
    });

  addClusterCommands(program, context);

  addRunOptions(program.command('start', { hidden: true }))
    .description('run an instance for development under .local (npm start)')
    .action(async (options: RunOptions, command: Command) => {
      const { startForDevelopment } = await import('./start.ts');
      context.finish(
        await startForDevelopment(
          { ...command.optsWithGlobals<RunOptions & GlobalOptions>(), ...options },
          context,
        ),
      );
    });
  program
    .command('debug')
    .description('what helps to understand the program itself')
    .helpCommand(false)
    .command('state-machine')
    .description('print the table of role transitions, from the code that uses it')
    .addOption(
      new Option('--format <format>', 'a Mermaid diagram, or Markdown of the goals or of what is refused')
        .choices(['mermaid', 'goals', 'refusals'])
        .default('mermaid'),
    )
    .action(async (options: { format: 'mermaid' | 'goals' | 'refusals' }) => {
      const { printStateMachine } = await import('./debug-state-machine.ts');
      printStateMachine(options.format);
    });
  program
    .command('version')
    .description('print the versions of the manager, Node and PostgreSQL')
    .allowExcessArguments()
    .action(tellVersion);
  inheritOverrides(program);
  // Only now, since commands inherit it: a word too many after one of them is a mistake.
  return program.allowExcessArguments();
}

async function tellVersion(): Promise<void> {
  const { printVersion } = await import('./version.ts');
  printVersion(buildVersion);
}

/** The options that most people look for, although they belong to commands. */
function runOptionsHelp(): string {
  const help = new Help();
  const items = help.visibleOptions(addRunOptions(new Command().helpOption(false))).map((option) => ({
    term: help.optionTerm(option),
    text: help.optionDescription(option),
  }));
  const width = Math.max(...items.map(({ term }) => term.length));
  return [
    'Options of `instance run` and `postgres`:',
    ...items.map(({ term, text }) => `  ${term.padEnd(width)}  ${text}`),
    '',
  ].join('\n');
}

/** Accepted by every command, before or after its name (contract 01, 1.4). */
function addLogOptions(command: Command): void {
  command
    .option('--log-level <level>', 'error, warning, info, debug or trace', 'info')
    .addOption(
      new Option('--log-format <format>', 'auto: text on a terminal, else json')
        .choices(['auto', 'json', 'text'])
        .default('auto'),
    )
    .option('--log-destination <path>', 'file or pipe for the log (default: standard output)')
    .option('--log-truncate-destination', 'empty the file first')
    .option('--log-field-level <key>', 'name of the key of the level', 'level')
    .option('--log-field-timestamp <key>', 'name of the key of the time', 'ts');
  for (const name of ['encoder', 'log-level', 'stacktrace-level', 'time-encoding']) {
    command.addOption(new Option(`--zap-${name} <value>`, 'accepted, without effect').hideHelp());
  }
  command.addOption(new Option('--zap-devel', 'accepted, without effect').hideHelp());
}

function addRunOptions(command: Command): Command {
  return command
    .option('--pg-data <directory>', 'data directory (PGDATA)')
    .option('--cluster-file <file>', 'YAML file of kind Cluster that describes the instance')
    .option('--cluster-name <name>', 'name of the cluster (CLUSTER_NAME)')
    .option('--namespace <name>', 'namespace of the cluster (NAMESPACE)')
    .option('--api-group <group>', 'API group of the Cluster (default: postgresql.cnpg.io)')
    .option('--pod-name <name>', 'name of this instance (POD_NAME)')
    .option('--bindir <directory>', 'directory of postgres and initdb (default: the newest found)')
    .option(
      '--runtime-dir <directory>',
      'directory for log pipes (default: the first writable of the usual places)',
    )
    .option('--socket-dir <directory>', 'directory for the socket of the server (an absolute PGHOST)')
    .option('--init-dir <directory>', 'first-boot scripts', '/docker-entrypoint-initdb.d')
    .option('--port <port>', 'port of the server (PGPORT)', port)
    .option(
      '--advertise-address <address>',
      'address under which the other instances of a shared cluster file reach this one',
      '127.0.0.1',
    )
    .option('--status-port <port>', 'port of the status server; 0: any free one', port, 8000)
    .option('--status-address <address>', 'address of the status server (default: all)')
    .option('--status-port-tls', 'TLS on the status port')
    .option('--metrics-port-tls', 'TLS on the metrics port')
    .addOption(new Option('--pprof-server', 'accepted, without effect').hideHelp());
}

/** Errors of sub-commands shall reach the caller too, instead of ending the process. */
function inheritOverrides(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride();
    inheritOverrides(child);
  }
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535)
    throw new InvalidArgumentError('a port is a number from 0 to 65535');
  return value;
}
