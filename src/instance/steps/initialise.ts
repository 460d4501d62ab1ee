import { writeConfigurationFiles } from '../configuration-writer.ts';
import { makeNewDatabase } from '../first-boot.ts';
import { serverArguments } from '../server-arguments.ts';
import type { Step } from '../step-context.ts';

/** Makes a new database in an empty PGDATA. */
export const initialise: Step = async (step, signal) => {
  const { settings, context, observation } = step;
  const desired = step.desired();
  desired.checkFirstBoot();
  const made = makeNewDatabase({
    context,
    plan: desired.firstBoot,
    initDirectory: settings.initDirectory,
    serverArguments: serverArguments(settings, context),
    writeConfiguration: () => writeConfigurationFiles(context, desired, { isFirstBoot: true }),
    onStep: (text) => {
      observation.initStep = text;
    },
    signal,
  });
  // initdb is at work by now: what this loads, and what the next step needs, is loaded beside it.
  step.transition('first boot');
  await Promise.all([made, import('./start.ts')]);
};
