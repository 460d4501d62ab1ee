import { inNameOrder } from './init-files.ts';
import { quoteSetting } from './literals.ts';

/**
 * Lines of a generated configuration file (contract 04, 4.2): one a setting, in the order of bytes and always quoted, so
 * that the same settings are the same text in every instance.
 */
export function renderSettingLines(settings: ReadonlyMap<string, string>): string {
  const names = inNameOrder([...settings.keys()]);
  return names.map((name) => `${name} = ${quoteSetting(settings.get(name) ?? '')}\n`).join('');
}
