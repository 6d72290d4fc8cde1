// Bundles a worker and runs it in workerd. With Wrangler, `wrangler dev` does the same.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

import { build } from 'esbuild';
import workerd from 'workerd';

/**
 * Bundles `worker.mjs` of this folder into `out`, and runs `config.capnp`, which names it.
 *
 * @param {string} folder
 * @param {{ port: string | number, env?: Record<string, string> }} options `env` is what the bindings of the configuration read
 * @returns {Promise<number>} the port of its socket `http`, once it listens
 */
export async function serve(folder, { port, env = {} }) {
  await build({
    entryPoints: [join(folder, 'worker.mjs')],
    outdir: join(folder, 'out'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    target: 'esnext',
    // The package's entry for workerd imports a module, which is copied beside the bundle and named in the configuration.
    conditions: ['workerd'],
    loader: { '.wasm': 'copy', '.html': 'text' },
    assetNames: '[name]',
    external: ['cloudflare:*'],
    logLevel: 'warning',
  });
  const args = ['serve', 'config.capnp', '--socket-addr', `http=127.0.0.1:${port}`, '--control-fd', '3'];
  const child = spawn(workerd.default, args, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal));
  child.on('exit', (status) => process.exit(status ?? 0));
  for await (const line of createInterface({ input: child.stdio[3] })) {
    const { event, socket, port } = JSON.parse(line);
    if (event === 'listen' && socket === 'http') return port;
  }
  throw new Error('workerd ended before it listened');
}
