import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anonymousMemory, cpuSeconds, ended, node, type Row, spread, Usage } from './support.ts';

type Format = 'jsonlog' | 'csvlog';

const records = 400_000;
const lossNotice = 'records were dropped in a run: the reader was not fast enough\n';
const reader = join(import.meta.dirname, '..', 'fixtures', 'log-path-only.ts');

/** Records of about 200 bytes as a server writes them, through a real FIFO, to a pipe that another process reads. */
export async function measureLogThroughput(runs: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [format, target] of [
    ['jsonlog', 500_000],
    ['csvlog', 200_000],
  ] as const) {
    const results = [];
    for (let run = 0; run < runs; run += 1) results.push(await once(format));
    const rate = spread(results.map((result) => result.rate));
    const memory = spread(results.map((result) => result.memory / 1024 / 1024));
    const cpu = spread(results.map((result) => (result.cpu / records) * 100_000));
    rows.push({
      name: `${format} through a FIFO`,
      manager: rate,
      unit: 'records/s',
      target: `>= ${target}`,
      met: rate.median >= target,
    });
    rows.push({
      name: `  more memory than idle (${format})`,
      manager: memory,
      unit: 'MiB',
      target: '<= 40',
      met: memory.median <= 40,
    });
    rows.push({
      name: `  CPU per 100,000 records (${format})`,
      manager: cpu,
      unit: 's',
      target: 'reported',
      met: true,
    });
  }
  return rows;
}

async function once(format: Format): Promise<{ rate: number; memory: number; cpu: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'manager-bench-log-'));
  try {
    const fifo = join(directory, 'fifo');
    const data = join(directory, 'records');
    execFileSync('mkfifo', [fifo]);
    const block = Array.from({ length: 1000 }, (_, index) => sample(format, index)).join('');
    writeFileSync(data, block.repeat(records / 1000));
    const child = spawn(node, ['--disable-warning=ExperimentalWarning', reader, fifo, format], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const sink = spawn('sh', ['-c', 'head -c 1 >/dev/null; exec cat >/dev/null'], {
      stdio: [child.stdout, 'ignore', 'inherit'],
    });
    await new Promise((resolve) => setTimeout(resolve, 400));
    const idle = anonymousMemory(child.pid!);
    const before = cpuSeconds(child.pid!);
    const since = performance.now();
    const writer = spawn('sh', ['-c', 'cat "$1" >"$2"', 'sh', data, fifo], { stdio: 'inherit' });
    const usage = new Usage(child.pid!);
    await ended(writer);
    child.kill('SIGUSR2');
    await ended(child);
    const took = (performance.now() - since) / 1000;
    usage.stop();
    await ended(sink);
    if (child.exitCode !== 0) process.stderr.write(lossNotice);
    return { rate: records / took, memory: usage.peak - idle, cpu: usage.cpu - before };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function sample(format: Format, index: number): string {
  const statement = `SELECT abalance FROM accounts WHERE aid = ${100_000 + index}`;
  return format === 'jsonlog'
    ? `{"timestamp":"2026-03-01 10:15:02.120 UTC","user":"app","pid":812,"session_id":"65e1ab10.32c","line_num":${index},"txid":0,"error_severity":"LOG","message":"${statement}","query_id":0}\n`
    : `2026-03-01 10:15:02.120 UTC,"app","shop",812,"[local]",65e1ab10.32c,${index},"SELECT",2026-03-01 10:14:56 UTC,5/12,0,LOG,00000,"${statement}",,,,,,,,,"psql","client backend",,0\n`;
}
