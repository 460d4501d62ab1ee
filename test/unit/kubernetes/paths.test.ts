import { expect, test } from 'vitest';
import { apiPaths } from '../../../src/kubernetes/paths.ts';

const paths = apiPaths({ group: 'postgresql.cnpg.io', namespace: 'prod', cluster: 'demo' });

test('every object is named', () => {
  expect(paths.cluster).toBe('/apis/postgresql.cnpg.io/v1/namespaces/prod/clusters/demo');
  expect(paths.clusterStatus).toBe(`${paths.cluster}/status`);
  expect(paths.lease).toBe('/apis/coordination.k8s.io/v1/namespaces/prod/leases/demo');
  expect(paths.secret('demo-ca')).toBe('/api/v1/namespaces/prod/secrets/demo-ca');
  expect(paths.configMap('demo')).toBe('/api/v1/namespaces/prod/configmaps/demo');
  expect(paths.events).toBe('/api/v1/namespaces/prod/events');
  expect(paths.event('demo.1')).toBe('/api/v1/namespaces/prod/events/demo.1');
});

test('the Cluster is listed and watched by its name only: nothing else is allowed', () => {
  const query = (path: string) => Object.fromEntries(new URL(path, 'https://x').searchParams);
  expect(query(paths.clusterList)).toEqual({ fieldSelector: 'metadata.name=demo' });
  expect(query(paths.clusterWatch('17', 300))).toEqual({
    fieldSelector: 'metadata.name=demo',
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: '17',
    timeoutSeconds: '300',
  });
});

test('no name leads to another object', () => {
  expect(paths.secret('../leases/demo?x#y')).toBe(
    '/api/v1/namespaces/prod/secrets/..%2Fleases%2Fdemo%3Fx%23y',
  );
  const odd = apiPaths({ group: 'a/b', namespace: 'c?d', cluster: 'e&watch=true' });
  expect(odd.cluster).toBe('/apis/a%2Fb/v1/namespaces/c%3Fd/clusters/e%26watch%3Dtrue');
  expect(odd.clusterList).toContain('?fieldSelector=metadata.name%3De%26watch%3Dtrue');
});
