// Prints how large the modules and entries of the package in a folder are: `node sizes.mjs target/npm/sockeye/dist`.
// An entry is measured minified, with everything that it imports but modules and what belongs to the platform.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const folder = process.argv[2];
const names = readdirSync(folder);
const isEntry = (name) => /^(entry-\w+|inline|manual|proxy)\.js$/.test(name);

async function content(name) {
  if (!isEntry(name)) return readFileSync(join(folder, name));
  const { outputFiles: [file] } = await build({
    entryPoints: [join(folder, name)],
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
for (const name of names.filter((name) => name.endsWith('.wasm') || isEntry(name)).sort()) {
  const bytes = await content(name);
  sizes.push({
    name,
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length,
  });
}
console.log(JSON.stringify(sizes));
