import type { InstanceFacts } from '../../../src/alignment/facts.ts';
import type { Manager } from './manager.ts';

/** What a manager sees of its own instance, by its files and its server. */
export function lookAtInstance(manager: Manager): InstanceFacts {
  const { directory } = manager.instance;
  const { kinship, isPromoting, trouble } = manager.findings;
  const files = directory.isStandby && !isPromoting ? 'standby' : 'primary';
  const whole = directory.end === undefined ? 'empty' : files;
  return {
    name: manager.name,
    isPromoting,
    data: directory.isTorn ? 'torn' : whole,
    server: manager.seesServer ? 'up' : 'down',
    ...manager.monitor.facts(),
    kinship: kinship ?? 'unknown',
    isAstray: trouble !== undefined && trouble !== 'removed',
    isStranded: trouble === 'removed',
    source: follows(manager) ? 'right' : 'wrong',
  };
}

function follows({ view, name, instance }: Manager): boolean {
  const current = view.latest?.currentPrimary ?? '';
  return current === '' || current === name || instance.directory.source === current;
}
