// Bundles the page into the folder given, `../target/page` by default: `node build.mjs [FOLDER]`.
// `cargo xtask page` calls it when the WebAssembly module is in `generated`.
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = resolve(process.argv[2] ?? join(here, '../target/page'));

await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { app: 'src/main.ts', worker: 'src/worker/main.ts' },
  outdir: out,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
});
// What the sources import of styles is one sheet.
await rm(join(out, 'style.css'), { force: true });
await rename(join(out, 'app.css'), join(out, 'style.css'));
await copyFile(join(here, 'index.html'), join(out, 'index.html'));
await copyFile(join(here, 'generated/inspect_bg.wasm'), join(out, 'inspect_bg.wasm'));
