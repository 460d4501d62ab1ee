import { KubernetesSource } from '../cluster/kubernetes-source.ts';
import type { SecretContent, SecretReader } from '../instance/secret-reader.ts';
import type { ClusterBinding } from '../instance/settings.ts';
import type { KubernetesApi } from '../kubernetes/api.ts';
import { isNotFound } from '../kubernetes/api-error.ts';
import { EventRecorder } from '../kubernetes/event-recorder.ts';
import { HttpsApi } from '../kubernetes/https-api.ts';
import { inClusterAccess } from '../kubernetes/in-cluster.ts';
import type { Logger } from '../logs/manager-log.ts';
import { certificateFiles } from '../postgres/surroundings.ts';
import { describeDesiredState } from './desired-state.ts';
import type { Pod } from './pod.ts';
import { podRules } from './pod-cluster.ts';

export interface PodBindingInput {
  readonly name: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Logger;
}

/** The Cluster of a Pod, in the Kubernetes API. */
export function bindPod(pod: Pod, { name, environment, log }: PodBindingInput): ClusterBinding {
  const access = inClusterAccess(environment);
  if (access === undefined) throw new Error('there is no API server in the environment');
  const api = new HttpsApi(access, pod);
  const source = new KubernetesSource(api, {
    onTrouble: (error) => log.warn({ error: error.message }, 'the Cluster is not watched at the moment'),
  });
  const events = new EventRecorder({
    ...{ api, instance: name, namespace: pod.namespace },
    about: () => source.newest,
    onTrouble: (error) => log.debug({ error: error.message }, 'an event could not be delivered'),
  });
  const shared = podRules(name, environment);
  return {
    source,
    describe: (reading) =>
      describeDesiredState(reading, {
        ...{ environment, log, shared },
        clusterName: pod.cluster,
        origin: 'file',
      }),
    tell: (happening) => events.record(happening),
    secrets: { reader: secretReader(api), certificates: certificateFiles.directory },
  };
}

function secretReader(api: KubernetesApi): SecretReader {
  return {
    read: async (name, signal): Promise<SecretContent | undefined> => {
      try {
        const { data = {}, metadata } = await api.readSecret(name, signal);
        return {
          data: new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')])),
          version: `${metadata.uid ?? ''}-${metadata.resourceVersion ?? ''}`,
          annotations: metadata.annotations ?? {},
        };
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
  };
}
