import { pino } from 'pino';
import { expect, test } from 'vitest';
import { judgeLiveness } from '../../../src/alignment/health.ts';
import { freshObservation } from '../../../src/alignment/observation.ts';
import type { IsolationCheckSpec } from '../../../src/cluster/cluster.ts';
import type { StepContext } from '../../../src/instance/step-context.ts';
import { Vouchers } from '../../../src/instance/vouchers.ts';
import { temporaryDirectory } from '../../support/manager.ts';
import { lastingPort } from '../../support/ports.ts';
import { certificateSecrets } from '../../support/secrets.ts';
import { clusterOf } from '../cluster/support.ts';

const never = new AbortController().signal;

/** A primary that asks the only other one, which nobody reaches; what its liveness probe says then. */
async function asking(isolationCheck: IsolationCheckSpec) {
  const instance = { ip: '127.0.0.1', isPrimary: false, statusPort: await lastingPort() };
  const cluster = clusterOf({
    spec: { instances: 2, probes: { liveness: { isolationCheck } } },
    status: { instanceNames: ['c-1', 'c-2'], instancesReportedState: { 'c-2': instance } },
  });
  const { authority, secrets } = certificateSecrets(temporaryDirectory(), cluster);
  const pair = secrets.get('server')!;
  const observation = freshObservation(performance.now());
  const step = {
    settings: { name: 'c-1' },
    view: { latest: { cluster } },
    observation,
    log: pino({ enabled: false }),
  };
  const vouchers = new Vouchers(step as unknown as StepContext, () => ({
    ca: authority.pem,
    cert: pair['tls.crt']!,
    key: pair['tls.key']!,
  }));
  expect(await vouchers.ask(15_000, never)).toBe(false);
  return judgeLiveness(observation, performance.now());
}

test('a primary that nobody promises anything, since nobody can be reached, is not alive', async () => {
  expect(await asking({})).toMatchObject({ ok: false, reasons: [{ code: 'ISOLATED' }] });
});

test('unless the check is switched off', async () => {
  expect(await asking({ enabled: false })).toMatchObject({ ok: true });
});
