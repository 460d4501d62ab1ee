import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ForcibleOptions, OverviewOptions, RequestOptions } from './cluster-options.ts';
import { commandHelp } from './help.ts';
import type { ProgramContext } from './options.ts';

type Request<Options> = (instance: string, options: Options) => Promise<void>;

/** The commands that look at a Cluster and ask something of it. */
export function addClusterCommands(program: Command, context: ProgramContext): void {
  const cluster = program
    .command('cluster')
    .description('commands that look at a Cluster and ask something of it')
    .helpCommand(false);

  command(cluster, 'status')
    .description('show the instances of a Cluster and who leads')
    .addOption(
      new Option('--output <format>', 'text or json (default: text on a terminal, else json)').choices([
        'text',
        'json',
      ]),
    )
    .action(async (options: OverviewOptions) => {
      const { showCluster } = await import('./cluster-status.ts');
      await showCluster(options);
    });

  requestCommand(cluster, 'promote', async (instance, options: ForcibleOptions) => {
    const { promoteInstance } = await import('./cluster-promote.ts');
    await promoteInstance(instance, options);
  })
    .description('make an instance the primary, and follow the change until it is')
    .argument('<instance>', 'who shall become the primary')
    .option('--force', 'also one that does not stream: what it has not received is lost')
    .addHelpText('after', commandHelp.clusterPromote);

  requestCommand(cluster, 'fence', async (instance, options) => {
    const { fenceInstance } = await import('./cluster-fence.ts');
    await fenceInstance(instance, options);
  })
    .description('stop the server of an instance and keep it down; its manager stays')
    .argument('<instance>', "its name, or '*' for all");

  requestCommand(cluster, 'unfence', async (instance, options) => {
    const { unfenceInstance } = await import('./cluster-fence.ts');
    await unfenceInstance(instance, options);
  })
    .description('let the server of an instance run again')
    .argument('<instance>', "its name, or '*' for all");

  requestCommand(cluster, 'reclone', async (instance, options) => {
    const { recloneInstance } = await import('./cluster-reclone.ts');
    await recloneInstance(instance, options);
  })
    .description('have an instance put its data aside and copy the primary anew')
    .argument('<instance>', 'a standby');

  requestCommand(cluster, 'forget', async (instance, options: ForcibleOptions) => {
    const { forgetInstance } = await import('./cluster-forget.ts');
    await forgetInstance(instance, options);
  })
    .description('forget an instance that is gone for good: the primary keeps no WAL for it any more')
    .argument('<instance>', 'who is gone')
    .option('--force', 'also one that has not said that it stopped')
    .addHelpText('after', commandHelp.clusterForget);

  function requestCommand<Options extends RequestOptions>(
    parent: Command,
    name: string,
    request: Request<Options>,
  ): Command {
    return command(parent, name)
      .option('--no-wait', 'end as soon as the request is written')
      .option('--timeout <seconds>', 'how long to follow what happens', seconds, 60)
      .action(request);
  }

  function command(parent: Command, name: string): Command {
    return parent
      .command(name)
      .requiredOption('--cluster-file <file>', 'YAML file of kind Cluster')
      .hook('postAction', () => context.finish(0));
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 86_400)) {
    throw new InvalidArgumentError('a time is a number of seconds, at most a day');
  }
  return value;
}
