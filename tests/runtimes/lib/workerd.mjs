// workerd, with one worker that has the tests and the servers.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { Program, within } from './process.mjs';
import { here, load, target } from './tools.mjs';

/** A worker that runs. */
export class Worker {
  #program;
  #ports;

  /** Bundles the worker as its users do, and starts it. */
  static async start(program, folder, authority) {
    const out = join(target, 'worker');
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    await load('esbuild').build({
      entryPoints: [join(folder, 'programs/worker.mjs')],
      outfile: join(out, 'worker.mjs'),
      bundle: true,
      format: 'esm',
      target: 'esnext',
      conditions: ['workerd'],
      external: ['cloudflare:*', 'node:*'],
      loader: { '.wasm': 'copy' },
      assetNames: '[name]',
      logLevel: 'silent',
    });
    copyFileSync(join(here, 'programs/worker.capnp'), join(out, 'worker.capnp'));
    copyFileSync(authority, join(out, 'authority.pem'));
    const worker = new Worker();
    worker.#program = new Program(program, ['serve', 'worker.capnp', '--control-fd=3'], { cwd: out, control: true });
    worker.#ports = {};
    try {
      while (!worker.#ports.http || !worker.#ports.tcp) {
        const line = await worker.#program.line(60);
        if (line === null) throw new Error(`workerd ended early: ${worker.#program.errors}`);
        const { event, socket, port } = JSON.parse(line);
        if (event === 'listen') worker.#ports[socket] = port;
      }
    } catch (error) {
      worker.stop();
      throw error;
    }
    return worker;
  }

  /** Runs a set of tests. Gives each outcome to `take`. */
  async run(options, take) {
    const response = await fetch(`http://127.0.0.1:${this.#ports.http}/`, { method: 'POST', body: JSON.stringify(options) });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { done, value } = await within(150, 'an outcome', reader.read()).catch((error) => {
        throw new Error(`${error.message}: ${this.#program.errors}`);
      });
      if (done) throw new Error(`it ended early: ${text} ${this.#program.errors}`);
      const lines = (text + value).split('\n');
      text = lines.pop();
      for (const outcome of lines.map((line) => JSON.parse(line))) {
        if (outcome.done) return;
        take(outcome);
      }
    }
  }

  /** Its server, over TCP or WebSocketPair. */
  async serve(name) {
    return { url: `ws://127.0.0.1:${this.#ports[name === 'tcp' ? 'tcp' : 'http']}`, stop() {} };
  }

  stop() {
    this.#program.kill();
  }
}
