import { execFile, execFileSync } from 'node:child_process';
import { get } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bin, cpuSeconds, ended, identity, Place, percentile, type Row, spread } from './support.ts';

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

/** Answers of the probes while pgbench keeps both cores busy, beside pg_isready. @param probes of one round */
export async function measureProbes(rounds: number, probes: number): Promise<Row[]> {
  const place = await Place.make();
  const parts = [0.5, 0.99] as const;
  const [own, other] = [new Map<number, number[]>(), new Map<number, number[]>()];
  const note = (of: Map<number, number[]>, values: number[]) => {
    for (const part of parts) of.set(part, [...(of.get(part) ?? []), percentile(values, part)]);
  };
  try {
    place.initdb(place.data);
    const managed = place.startManaged(['-c', 'fsync=off']);
    await place.untilAccepting(performance.now());
    await pgbench(place, ['-i', '-q', '-s', '5']);
    for (let round = 0; round < rounds; round += 1) {
      const { times, bareTimes } = await probeUnderLoad(place, probes);
      note(own, times);
      note(other, bareTimes);
    }
    managed.kill('SIGTERM');
    await ended(managed);
  } finally {
    place.remove();
  }
  const row = (part: number, limit: number): Row => {
    const manager = spread(own.get(part)!);
    const name = `/readyz under load, p${part * 100} of a round (bare: pg_isready)`;
    const met = manager.median <= limit;
    return { name, manager, bare: spread(other.get(part)!), unit: 'ms', target: `<= ${limit} ms`, met };
  };
  return [row(0.5, 2), row(0.99, 20)];
}

async function probeUnderLoad(place: Place, probes: number) {
  const load = new AbortController();
  const pgbenchEnds = pgbench(place, ['-n', '-S', '-c', '8', '-j', '2', '-T', '600'], load.signal);
  // Called off when there are enough.
  pgbenchEnds.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const [times, bareTimes]: [number[], number[]] = [[], []];
  for (let probe = 0; probe < probes; probe += 1) {
    times.push(await probeOnce(place.statusPort));
    if (probe % 10 === 0) bareTimes.push(isReadyOnce(place));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  load.abort();
  return { times, bareTimes };
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
