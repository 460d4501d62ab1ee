import { expect, onTestFinished, test } from 'vitest';
import { component } from '../support/component.ts';
import { mayMount } from '../support/mount.ts';
import { PodNetwork } from '../support/pod-network.ts';

test.runIf(component('the right to make namespaces', mayMount))(
  'two networks of Pods never have the same addresses, which would lead answers to the wrong one',
  () => {
    const draws = [0.3, 0.7, 0.3, 0.7, 0.6, 0.7];
    const draw = () => draws.shift()!;
    const networks = [new PodNetwork(draw), new PodNetwork(draw)];
    onTestFinished(() => {
      for (const network of networks) network.remove();
    });
    expect(networks.map(({ api }) => api)).toEqual(['198.18.179.2', '198.19.179.2']);
  },
);
