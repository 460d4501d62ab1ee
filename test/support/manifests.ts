import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Admin, Json } from './admin.ts';
import type { PodContainer, PodMount } from './pod-container.ts';
import { repository } from './sources.ts';

/** What a person applies who has no operator. */
const directory = join(repository, 'images', 'kubernetes');

/** All objects of one of the files. */
export function manifest(name: string): Json[] {
  return objectsOf(readFileSync(join(directory, name), 'utf8'));
}

/** Makes the Secrets as a person does. @param place keeps what they are made of */
export function secrets(place: string, cluster: string, namespace: string): Json[] {
  const script = join(directory, 'secrets.sh');
  return objectsOf(execFileSync('sh', [script, place, cluster, namespace], { encoding: 'utf8' }));
}

function objectsOf(text: string): Json[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS() as Json;
  });
}

/** `kubectl apply` of an object that is not there yet. */
export function apply(admin: Admin, namespace: string, object: Json): Promise<Json> {
  return admin.create(collectionOf(namespace, object), object);
}

export function collectionOf(namespace: string, { apiVersion, kind }: Json): string {
  const group = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  return `${group}/namespaces/${namespace}/${(kind as string).toLowerCase()}s`;
}

/** The Pods that the controller of StatefulSets makes of one: nobody else does, where only an API server runs. */
export function podsOf({ metadata, spec }: Json): Json[] {
  return Array.from({ length: spec.replicas }, (_, index) => {
    const name = `${metadata.name}-${index + (spec.ordinals?.start ?? 0)}`;
    const { template, volumeClaimTemplates, serviceName } = structuredClone(spec);
    const claims = volumeClaimTemplates.map((claim: Json) => ({
      name: claim.metadata.name,
      persistentVolumeClaim: { claimName: `${claim.metadata.name}-${name}` },
    }));
    const labels = { ...template.metadata.labels, 'statefulset.kubernetes.io/pod-name': name };
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels },
      spec: {
        ...template.spec,
        hostname: name,
        subdomain: serviceName,
        volumes: [...template.spec.volumes, ...claims],
      },
    };
  });
}

/**
 * How a kubelet would run the only container of a Pod.
 *
 * @param pod as the API server has it
 * @param account directory for the projected volume of the service account
 */
export function containerOf({ metadata, spec }: Json, home: string, account: string): PodContainer {
  const [{ command, env, volumeMounts, securityContext }] = spec.containers;
  const sources = new Map<string, string>(
    spec.volumes.map((volume: Json) => {
      const own = join(home, `volume-${volume.name}`);
      mkdirSync(own, { recursive: true, mode: 0o777 });
      return [volume.name, volume.projected === undefined ? own : account];
    }),
  );
  const value = ({ name, value: literal, valueFrom }: Json): [string, string] => {
    const path: string | undefined = valueFrom?.fieldRef.fieldPath;
    return [name, path === undefined ? literal : metadata[path.replace(/^metadata\./, '')]];
  };
  const mounts = volumeMounts.map(
    ({ name, mountPath, readOnly }: Json): PodMount => ({
      source: sources.get(name)!,
      path: mountPath,
      isReadOnly: readOnly === true,
    }),
  );
  const isRestricted =
    securityContext.readOnlyRootFilesystem && securityContext.capabilities.drop[0] === 'ALL';
  if (!isRestricted) throw new Error('Pods of tests can be run with every right, or with none');
  return { command, env: Object.fromEntries(env.map(value)), mounts, user: spec.securityContext.runAsUser };
}
