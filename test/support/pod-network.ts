import { readdirSync } from 'node:fs';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import { run } from './root.ts';

/** Names of network devices have at most 15 characters. */
const tag = `mt${process.pid.toString(36)}`;
let networks = 0;

/**
 * A network of its own for the Pods of one test: a bridge that this process stands on as well, and a namespace for each Pod.
 * The API server, which listens on 127.0.0.1 only, is reached through a relay on the bridge.
 */
export class PodNetwork {
  /** Address of the API; clients in this process have another one, so that each can be cut off by itself. */
  readonly api: string;
  readonly #bridge: string;
  readonly #prefix: string;
  readonly #namespaces: string[] = [];
  #relay: Server | undefined;
  readonly #connections = new Set<Socket>();

  constructor(draw: () => number = Math.random) {
    networks += 1;
    const { bridge, prefix } = addBridge(draw);
    this.#bridge = bridge;
    this.#prefix = prefix;
    this.api = `${prefix}.2`;
    // The first one is that of connections which begin here.
    for (const address of [`${this.#prefix}.1`, this.api])
      run('ip', 'address', 'add', `${address}/24`, 'dev', this.#bridge);
    run('ip', 'link', 'set', this.#bridge, 'up');
  }

  /** Makes the namespace of a Pod, with an address. */
  addPod(index: number): PodAddress {
    const name = `${tag}n${networks}p${index}`;
    const [outside, address] = [`${tag}v${networks}p${index}`, `${this.#prefix}.${10 + index}`];
    run('ip', 'netns', 'add', name);
    this.#namespaces.push(name);
    run('ip', 'link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    run('ip', 'link', 'set', outside, 'master', this.#bridge, 'up');
    const inside = (...args: string[]) => run('ip', '-n', name, ...args);
    inside('link', 'set', 'lo', 'up');
    inside('address', 'add', `${address}/24`, 'dev', 'eth0');
    inside('link', 'set', 'eth0', 'up');
    return { namespace: name, address, outside };
  }

  /** Everything to the API gets lost without a word, what is on its way included; or no more. */
  cutFromApi({ namespace }: PodAddress, isCut: boolean): void {
    const nobody = ['lladdr', '02:00:00:00:00:01', 'nud', 'permanent'];
    if (isCut) run('ip', '-n', namespace, 'neigh', 'replace', this.api, ...nobody, 'dev', 'eth0');
    else run('ip', '-n', namespace, 'neigh', 'del', this.api, 'dev', 'eth0');
  }

  /** The Pod reaches nobody, and nobody reaches it; or no more. */
  cutOff({ outside }: PodAddress, isCut: boolean): void {
    if (isCut) run('ip', 'link', 'set', outside, 'nomaster');
    else run('ip', 'link', 'set', outside, 'master', this.#bridge);
  }

  /**
   * Lets Pods reach a port of 127.0.0.1, under the same number. What comes from 198.18.x.N comes there from 127.0.0.N: a server
   * can tell them apart.
   */
  async relay(port: number): Promise<void> {
    this.#relay = createServer((socket) => {
      const onward = connectTo({ host: '127.0.0.1', port, localAddress: loopbackOf(socket.remoteAddress) });
      for (const end of [socket, onward]) {
        this.#connections.add(end);
        end.once('close', () => this.#connections.delete(end));
      }
      socket.on('error', () => onward.destroy()).on('close', () => onward.destroy());
      onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.pipe(onward).pipe(socket);
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#relay.once('error', reject).listen({ host: this.api, port }, resolve);
    await promise;
  }

  remove(): void {
    this.#relay?.close();
    for (const connection of this.#connections) connection.destroy();
    for (const name of this.#namespaces) run('ip', 'netns', 'del', name);
    run('ip', 'link', 'del', this.#bridge);
  }
}

/**
 * Makes a bridge for a /24 of 198.18.0.0/15, which is for tests of networks (RFC 2544): nothing real is hidden by it. The bridge
 * is named by it, so that nobody on this machine has the same: answers would take the road to the other one.
 *
 * @param draw gives numbers from 0 to below 1
 */
function addBridge(draw: () => number): { readonly bridge: string; readonly prefix: string } {
  const taken = new Set(readdirSync('/sys/class/net'));
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const [second, third] = [18 + Math.floor(draw() * 2), Math.floor(draw() * 256)];
    const bridge = `mtb-${second}-${third}`;
    if (taken.has(bridge)) continue;
    try {
      // With an address of its own: otherwise it has that of one of its ports, and another one when a Pod is added, of which
      // those who know the old one hear only after half a minute.
      run('ip', 'link', 'add', bridge, 'address', '02:00:00:00:00:02', 'type', 'bridge');
      return { bridge, prefix: `198.${second}.${third}` };
    } catch (error) {
      if (!/File exists/.test(String(error))) throw error;
    }
  }
  throw new Error('no network in 198.18.0.0/15 is free: are there bridges mtb-* of tests that were killed?');
}

/** The address of 127.0.0.0/8 that stands for a Pod. */
export function loopbackOf(address: string | undefined): string {
  return `127.0.0.${address?.split('.').at(-1) ?? '1'}`;
}

export interface PodAddress {
  /** Name of the network namespace. */
  readonly namespace: string;
  readonly address: string;
  /** The end of its cable on the bridge. */
  readonly outside: string;
}
