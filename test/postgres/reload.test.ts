import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mkfifoSync } from '../support/fifo.ts';
import { clusterText, startWithCluster, trustLoopback } from '../support/lone-cluster.ts';
import { eventually, Manager, temporaryDirectory } from '../support/manager.ts';

const workMem = (memory: string) =>
  `postgresql: {pg_hba: [${trustLoopback}], parameters: {work_mem: ${memory}}}`;
const app = { user: 'app', database: 'app' };

describe('HUP', () => {
  test('without a cluster file loads what a person has changed in postgresql.conf', async () => {
    const manager = await (await Manager.start()).ready();
    expect(await manager.query('SHOW work_mem')).toBe('4MB');
    appendFileSync(`${manager.dataDirectory}/postgresql.conf`, "work_mem = '6MB'\n");
    manager.signal('SIGHUP');
    await manager.message('configuration reloaded');
    await eventually('the new setting', async () => (await manager.query('SHOW work_mem')) === '6MB');
  });

  test('loads a changed cluster file', async () => {
    const manager = await (await startWithCluster(workMem('5MB'))).ready();
    expect(await manager.query('SHOW work_mem', app)).toBe('5MB');
    writeFileSync(`${manager.home}/cluster.yaml`, clusterText(workMem('6MB')));
    manager.signal('SIGHUP');
    await eventually('the new setting', async () => (await manager.query('SHOW work_mem', app)) === '6MB');
    writeFileSync(`${manager.home}/cluster.yaml`, 'no cluster');
    manager.signal('SIGHUP');
    await manager.message('configuration not reloaded');
    expect(await manager.query('SHOW work_mem', app)).toBe('6MB');
  });

  test('while a first boot is at its scripts: the server starts with what was changed', async () => {
    const home = temporaryDirectory();
    mkdirSync(join(home, 'init.d'));
    const gate = join(home, 'gate');
    mkfifoSync(gate);
    writeFileSync(join(home, 'init.d', 'wait.sh'), `read -r _ < ${gate}\n`);
    const manager = await startWithCluster(workMem('5MB'), home);
    await manager.message('running initialisation file');
    writeFileSync(`${home}/cluster.yaml`, clusterText(workMem('6MB')));
    manager.signal('SIGHUP');
    await manager.message('configuration read again');
    writeFileSync(gate, 'go on\n', { flag: 'r+' });
    await manager.ready();
    expect(await manager.query('SHOW work_mem', app)).toBe('6MB');
  });
});
