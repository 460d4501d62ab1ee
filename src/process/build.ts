import { commitOfSources } from './source-commit.ts';

/** Set by images/build.ts when the bundle is made; not there when the sources run. */
declare const MANAGER_BUILD_VERSION: string | undefined;
declare const MANAGER_BUILD_COMMIT: string | undefined;

/** What this program is. */
export const buildVersion = {
  version: typeof MANAGER_BUILD_VERSION === 'string' ? MANAGER_BUILD_VERSION : '0.1.0-source',
  commit: typeof MANAGER_BUILD_COMMIT === 'string' ? MANAGER_BUILD_COMMIT : commitOfSources(),
};
