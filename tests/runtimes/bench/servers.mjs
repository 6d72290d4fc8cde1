// The servers that are measured: each a process of its own that this one starts and asks.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What is measured. The last but one is what the bars are about. */
export const CANDIDATES = ['onmessages', 'for await', 'ws + bufferutil', 'ws'];
/** What the others are compared with. */
export const PEER = 'ws + bufferutil';

const PROGRAM = fileURLToPath(new URL('server.mjs', import.meta.url));
/** How long an answer may take, in milliseconds: far more than it does. */
const PATIENCE = 60_000;

/** A running echo server. */
export class Server {
  #child;

  constructor(child, port) {
    this.#child = child;
    this.port = port;
  }

  /**
   * @param {string} candidate One of `CANDIDATES`.
   * @param {{ entry: string, windowBits?: number, profile?: string }} options
   */
  static async start(candidate, { entry, windowBits = 0, profile }) {
    const env = { ...process.env };
    delete env.WS_NO_BUFFER_UTIL;
    if (candidate === 'ws') env.WS_NO_BUFFER_UTIL = '1';
    const execArgv = ['--expose-gc'];
    if (profile) execArgv.push('--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${candidate.replaceAll(/\W+/g, '-')}-${Date.now()}.cpuprofile`);
    const child = fork(PROGRAM, [candidate, entry, String(windowBits)], { env, execArgv });
    const server = new Server(child, 0);
    ({ port: server.port } = await server.#answer());
    return server;
  }

  /** Processor time in microseconds, and memory in bytes. */
  async usage({ collectGarbage = false } = {}) {
    this.#child.send(collectGarbage ? 'collect' : 'usage');
    return this.#answer();
  }

  async stop() {
    const ended = once(this.#child, 'exit');
    this.#child.send('stop');
    await ended;
  }

  async #answer() {
    const signal = AbortSignal.timeout(PATIENCE);
    const ended = new AbortController();
    const died = once(this.#child, 'exit', { signal: ended.signal }).then(([code]) => {
      throw new Error(`a server ended with ${code}`);
    });
    died.catch(() => {});
    try {
      const [answer] = await Promise.race([once(this.#child, 'message', { signal }), died]);
      return answer;
    } finally {
      ended.abort();
    }
  }
}
