import { createServer } from 'node:net';

/** Below what the kernel gives to clients (ip_local_port_range, from 32768): none of those takes it while a server is down. */
const lowest = 12_000;
const highest = 32_000;

/** Files that run side by side take other ports: one that listens at times only would be found free. */
const workers = 2;
const worker = Number(process.env.VITEST_POOL_ID ?? 0) % workers;

/** No port is given twice by this process: whoever has it may not listen yet, or not at the moment. */
const given = new Set<number>();

/** A port of 127.0.0.1 for a server, which may come and go. */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = lowest + workers * Math.floor((Math.random() * (highest - lowest)) / workers) + worker;
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
  return promise;
}
