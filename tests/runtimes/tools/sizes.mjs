// Prints how large the modules and entries of the package in a folder are: `node sizes.mjs target/npm/sockeye/dist`.
// An entry is measured minified, with everything that it imports but modules and what belongs to the platform: in whole, and as much as a bundler
// leaves of it in an application that uses only an Upgrader, or only a Dialer. The glue and the adapters are measured by themselves, too.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const folder = process.argv[2];
const names = readdirSync(folder);
const isEntry = (name) => /^(entry-\w+|inline|manual|proxy)\.js$/.test(name);

/** What is measured besides files: programs that import parts of the package. */
const programs = {
  'glue and adapters': [...readdirSync(join(folder, 'adapters')).map((name) => `adapters/${name}`), 'glue.js', 'transport.js'].map((name, index) => `export * as a${index} from './${name}';`).join('\n'),
  'only an Upgrader': "export { Upgrader } from './entry-node.js';",
  'only a Dialer': "export { Dialer } from './entry-node.js';",
};

async function content(name) {
  const contents = programs[name];
  if (!contents && !isEntry(name)) return readFileSync(join(folder, name));
  const { outputFiles: [file] } = await build({
    ...(contents ? { stdin: { contents, resolveDir: folder } } : { entryPoints: [join(folder, name)] }),
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'esnext',
    platform: 'neutral',
    external: ['*.wasm', '*/inline-wasm.js', 'node:*', 'cloudflare:*'],
  });
  return file.contents;
}

const sizes = [];
for (const name of [...names.filter((name) => name.endsWith('.wasm') || isEntry(name)).sort(), ...Object.keys(programs)]) {
  const bytes = await content(name);
  sizes.push({
    name,
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length,
  });
}
console.log(JSON.stringify(sizes));
