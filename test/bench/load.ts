import { execFile, execFileSync, spawn } from 'node:child_process';
import { get } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  bin,
  cpuSeconds,
  ended,
  freePort,
  identity,
  node,
  Place,
  percentile,
  type Row,
  spread,
} from './support.ts';

const run = promisify(execFile);

/** pgbench with every statement logged: through the log path to a pipe, against the bare server to a file. */
export async function measureLoggedTransactions(runs: number, seconds: number): Promise<Row[]> {
  const place = await Place.make();
  const rates = { manager: [] as number[], bare: [] as number[] };
  const cpu: number[] = [];
  try {
    place.initdb(place.data);
    place.initdb(place.bareData);
    const logged = ['-c', 'log_statement=all', '-c', 'fsync=off'];
    for (let round = 0; round <= runs; round += 1) {
      const managed = place.startManaged(logged, 'pipe');
      let records = 0;
      managed.stdout?.on('data', (chunk: Buffer) => {
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) records += 1;
      });
      await place.untilAccepting(performance.now());
      if (round === 0) await pgbench(place, ['-i', '-q', '-s', '5']);
      const [before, recordsBefore] = [cpuSeconds(managed.pid!), records];
      const rate = await transactions(place, seconds);
      const used = cpuSeconds(managed.pid!) - before;
      managed.kill('SIGTERM');
      await ended(managed);
      const file = [
        '-c',
        'logging_collector=on',
        '-c',
        'log_destination=stderr',
        '-c',
        `log_directory=${join(place.home, 'run')}`,
        '-c',
        'log_filename=bare.log',
      ];
      const bare = place.startBare([...logged, ...file]);
      await place.untilAccepting(performance.now());
      if (round === 0) await pgbench(place, ['-i', '-q', '-s', '5']);
      const bareRate = await transactions(place, seconds);
      bare.kill('SIGINT');
      await ended(bare);
      if (round === 0) continue;
      rates.manager.push(rate);
      rates.bare.push(bareRate);
      cpu.push((used / (records - recordsBefore)) * 100_000);
    }
  } finally {
    place.remove();
  }
  const [own, other] = [spread(rates.manager), spread(rates.bare)];
  return [
    {
      name: 'pgbench, log_statement=all',
      manager: own,
      bare: other,
      unit: 'tps',
      target: '>= 0.95 x bare',
      met: own.median >= 0.95 * other.median,
    },
    {
      name: '  CPU of the manager per 100,000 records',
      manager: spread(cpu),
      unit: 's',
      target: 'reported',
      met: true,
    },
  ];
}

const measured = ['manager', 'server', 'bare'] as const;
/** Of each way to ask, milliseconds. */
type Times = Record<(typeof measured)[number], number[]>;
const none = (): Times => ({ manager: [], server: [], bare: [] });

/**
 * Answers of the probes while pgbench keeps both cores busy. Beside them pg_isready, and a bare Node server that says "ok" to
 * everybody: what the client needs itself, and the scheduler to give both of them a turn.
 *
 * @param probes of one round
 */
export async function measureProbes(rounds: number, probes: number): Promise<Row[]> {
  const place = await Place.make();
  const serverPort = await freePort();
  const parts = [0.5, 0.99] as const;
  const seen = new Map(parts.map((part) => [part, none()]));
  const server = spawn(node, ['-e', sayOk(serverPort)], { ...identity, stdio: 'ignore' });
  try {
    place.initdb(place.data);
    const managed = place.startManaged(['-c', 'fsync=off']);
    await place.untilAccepting(performance.now());
    await pgbench(place, ['-i', '-q', '-s', '5']);
    for (let round = 0; round < rounds; round += 1) {
      const times = await probeUnderLoad(place, serverPort, probes);
      for (const part of parts)
        for (const one of measured) seen.get(part)![one].push(percentile(times[one], part));
    }
    managed.kill('SIGTERM');
    await ended(managed);
  } finally {
    server.kill();
    place.remove();
  }
  const rows = (part: (typeof parts)[number], limit: number): Row[] => {
    const times = seen.get(part)!;
    const manager = spread(times.manager);
    const name = `/readyz under load, p${part * 100} of a round`;
    const met = manager.median <= limit;
    return [
      {
        ...{ name: `${name} (bare: pg_isready)`, manager, bare: spread(times.bare) },
        ...{ unit: 'ms', target: `<= ${limit} ms`, met },
      },
      {
        ...{ name: '  the same; beside: a bare Node server', manager, bare: spread(times.server) },
        ...{ unit: 'ms', target: '', met: true },
      },
    ];
  };
  return [...rows(0.5, 2), ...rows(0.99, 20)];
}

/** A program for `node -e`. */
function sayOk(port: number): string {
  return `require('node:http').createServer((_, answer) => answer.end('ok')).listen(${port}, '127.0.0.1')`;
}

async function probeUnderLoad(place: Place, serverPort: number, probes: number): Promise<Times> {
  const load = new AbortController();
  const pgbenchEnds = pgbench(place, ['-n', '-S', '-c', '8', '-j', '2', '-T', '600'], load.signal);
  // Called off when there are enough.
  pgbenchEnds.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const times = none();
  for (let probe = 0; probe < probes; probe += 1) {
    times.manager.push(await probeOnce(place.statusPort));
    times.server.push(await probeOnce(serverPort));
    if (probe % 10 === 0) times.bare.push(isReadyOnce(place));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  load.abort();
  return times;
}

function pgbench(place: Place, args: readonly string[], signal?: AbortSignal): Promise<string> {
  const own = ['-h', '127.0.0.1', '-p', String(place.port), '-U', 'postgres'];
  return run(join(bin, 'pgbench'), [...own, ...args, 'postgres'], {
    ...identity,
    maxBuffer: 1024 * 1024,
    ...(signal === undefined ? {} : { signal }),
  }).then(({ stdout }) => stdout);
}

async function transactions(place: Place, seconds: number): Promise<number> {
  const output = await pgbench(place, ['-n', '-c', '4', '-j', '2', '-T', String(seconds)]);
  return Number(/tps = ([\d.]+)/.exec(output)?.[1]);
}

/** A probe on a connection of its own, as a kubelet makes it. */
function probeOnce(port: number): Promise<number> {
  const since = performance.now();
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/readyz', agent: false }, (response) => {
      response.resume().once('end', () => resolve(performance.now() - since));
    }).once('error', reject);
  });
}

function isReadyOnce(place: Place): number {
  const since = performance.now();
  execFileSync(join(bin, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(place.port), '-q']);
  return performance.now() - since;
}
