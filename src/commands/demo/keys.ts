import type { Command, InstanceVerb } from './script.ts';

/** What a key does: it chooses an instance, or gives a command, mostly to the chosen one. */
export type KeyAction =
  | { readonly kind: 'choose'; readonly number: number }
  | { readonly kind: 'command'; readonly command: Command };

const instanceKeys: Readonly<Record<string, InstanceVerb>> = {
  p: 'promote',
  k: 'kill',
  r: 'start',
  s: 'stop',
  z: 'freeze',
  Z: 'thaw',
  f: 'fence',
  u: 'unfence',
};

/** Ctrl-C and Ctrl-D come as bytes from a terminal whose keys are read one by one. */
const quitKeys: readonly string[] = ['q', '\u0003', '\u0004'];

/** In the order of the screen's last lines. */
export const keyHelp: ReadonlyArray<readonly [key: string, meaning: string]> = [
  ['1-3', 'choose'],
  ['p', 'promote'],
  ['k', 'kill -9'],
  ['r', 'start'],
  ['s', 'stop'],
  ['z', 'freeze'],
  ['Z', 'thaw'],
  ['f', 'fence'],
  ['u', 'unfence'],
  ['o', 'fail over'],
  ['q', 'quit'],
];

/**
 * What was typed, key by key; keys without a meaning, and those that come as sequences, are left out.
 *
 * @param instances how many can be chosen
 * @param chosen number of the chosen one, which a key in the same text may change
 */
export function readKeys(text: string, instances: number, chosen: number): KeyAction[] {
  if (text.startsWith('\u001b')) return [];
  const actions: KeyAction[] = [];
  let target = chosen;
  for (const key of text) {
    const number = Number(key);
    if (/^[1-9]$/.test(key) && number <= instances) {
      target = number;
      actions.push({ kind: 'choose', number });
    } else {
      const command = commandOf(key, target);
      if (command !== undefined) actions.push({ kind: 'command', command });
    }
  }
  return actions;
}

function commandOf(key: string, target: number): Command | undefined {
  if (quitKeys.includes(key)) return { kind: 'quit' };
  if (key === 'o') return { kind: 'failover' };
  const verb = instanceKeys[key];
  return verb === undefined ? undefined : { kind: 'instance', verb, target };
}
