import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Certificates } from '../../../src/instance/certificates.ts';
import { PodDuties } from '../../../src/instance/pod-duties.ts';
import type { SecretReader } from '../../../src/instance/secret-reader.ts';
import { certificateSecrets } from '../../support/secrets.ts';
import { clusterOf } from '../cluster/support.ts';
import { directoryWith } from './support.ts';

const never = new AbortController().signal;
const cluster = clusterOf({ spec: {} });

/** An API server that takes a request and never answers. */
const silent: SecretReader = {
  read: (_name, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    }),
};

function dutiesIn(directory: string, reader: SecretReader): PodDuties {
  const certificates = new Certificates(directory, reader);
  return new PodDuties({ reader, certificates, onServerPair: () => {}, patience: 50 });
}

test('an API server that never answers holds up no start for which the files of before are enough', async () => {
  const directory = join(directoryWith(), 'certificates');
  const { reader } = certificateSecrets(directoryWith(), cluster);
  await new Certificates(directory, reader).settle(cluster, never);
  const said: string[] = [];
  const duties = dutiesIn(directory, silent);
  await duties.awaitCertificates(
    () => cluster,
    never,
    (why) => said.push(why),
  );
  expect(said).toEqual([]);
});

test('without them the wait is told, and ends when it is called off', async () => {
  const directory = join(directoryWith(), 'certificates');
  const stopped = new AbortController();
  const said = Promise.withResolvers<string>();
  const waiting = dutiesIn(directory, silent).awaitCertificates(() => cluster, stopped.signal, said.resolve);
  expect(await said.promise).toMatch('certificates cannot be read');
  stopped.abort(new Error('stop requested'));
  await expect(waiting).rejects.toThrow('stop requested');
});
