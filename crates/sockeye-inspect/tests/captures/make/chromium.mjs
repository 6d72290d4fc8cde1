// node chromium.mjs: Chromium against npm ws, with what it exports itself
//   -> chromium-everything.netlog.json, chromium-default.netlog.json (--log-net-log, see chrome://net-export)
//   -> playwright.har (Playwright's recordHar)
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { serve } from './peer.mjs';

const PAGE = `<!doctype html><link rel="icon" href="data:,"><script>
const socket = new WebSocket('ws://' + location.host + '/echo', ['demo.v1']);
socket.binaryType = 'arraybuffer';
let answers = 0;
socket.onopen = () => {
  socket.send('hello');
  socket.send('compress me '.repeat(200));
  socket.send(new Uint8Array([1, 2, 3, 255]));
  socket.send('stream');
};
socket.onmessage = () => { answers += 1; if (answers === 14) socket.close(4001, 'bye'); };
socket.onclose = (event) => { document.title = 'closed ' + event.code; };
</script>`;
const QUIET = [
  '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-extensions', '--no-first-run', '--disable-features=OptimizationHints,MediaRouter,Translate',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
];

/** Lets the page do what it does, and waits until its socket is closed. */
async function visit(args, options) {
  const { port, server } = await serve(PAGE);
  const profile = mkdtempSync(join(tmpdir(), 'capture-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...QUIET, ...args],
    ...options,
  });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.waitForFunction(() => document.title === 'closed 4001');
  await browser.close();
  server.close();
  rmSync(profile, { recursive: true, force: true });
}

for (const mode of ['Everything', 'Default']) {
  const file = new URL(`../chromium-${mode.toLowerCase()}.netlog.json`, import.meta.url).pathname;
  await visit([`--log-net-log=${file}`, `--net-log-capture-mode=${mode}`], {});
  // The command line and the kernel's name are of the machine, not of the traffic.
  const log = readFileSync(file, 'utf8').replace(/"(command_line|os_type)":"[^"]*"/g, '"$1":""');
  writeFileSync(file, log, { mode: 0o644 });
}
await visit([], { recordHar: { path: '../playwright.har', mode: 'full' } });
