// node run.mjs --tarball FILE [--only RUNTIME]... [--filter WORD]
//
// Installs the package into a fresh project, and tests it in every runtime: a line for each test, and a summary. Ends with 1 when a test
// failed, or in CI (CI=true) when a runtime was skipped. SOCKEYE_BIN is the program `sockeye`, SOCKEYE_RUNTIMES the folder whose
// `node_modules` has the tools, SOCKEYE_CHROMIUM the browser.
import { createServer } from 'node:net';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { certificates } from './lib/certificates.mjs';
import { Browser } from './lib/chromium.mjs';
import { Command } from './lib/commands.mjs';
import { Program, endAll } from './lib/process.mjs';
import { install } from './lib/project.mjs';
import { Report } from './lib/report.mjs';
import { find, runtimes } from './lib/tools.mjs';
import { Worker } from './lib/workerd.mjs';
import { groups as wsClients } from './peers/ws-clients.mjs';
import { FLOOD, startServer } from './peers/ws-server.mjs';
import { run } from './suite/harness.mjs';

const { values } = parseArgs({ options: { tarball: { type: 'string' }, only: { type: 'string', multiple: true }, filter: { type: 'string' } } });
const { tarball, filter = null } = values;
if (!tarball || !existsSync(tarball)) fail(`usage: node run.mjs --tarball FILE [--only ${runtimes.join('|')}]... [--filter WORD]`);
const wanted = values.only ?? runtimes;
for (const name of wanted) if (!runtimes.includes(name)) fail(`there is no runtime ${name}: ${runtimes.join(', ')}`);

/** The servers of each runtime, and whether they run over a byte stream. */
const servers = {
  node: { 'server-http': true, 'server-net': true },
  'node-newest': { 'server-http': true, 'server-net': true },
  deno: { 'server-http': true, 'server-deno': true },
  bun: { 'server-http': true, 'server-net': true },
  workerd: { tcp: true, pair: false },
};

const report = new Report();
const cleanUp = [endAll];
try {
  await main();
} catch (error) {
  report.of('suite').notOk('the tests run', error);
}
for (const end of cleanUp.reverse()) await end();
console.log(`${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped`);
process.exit(report.failed > 0 || (process.env.CI === 'true' && report.skipped > 0) ? 1 : 0);

async function main() {
  const folder = await install(tarball);
  const tls = await certificates();
  const context = await peers(tls);
  const chromium = find('chromium');
  const browser = chromium && (await Browser.start(chromium, folder));
  if (browser) cleanUp.push(() => browser.stop());
  for (const name of wanted) {
    const program = find(name);
    const told = report.of(name);
    if (!program) {
      told.skip('it is not installed');
      continue;
    }
    if (name === 'chromium') {
      await test(told, browser, { set: 'suite' });
      continue;
    }
    const kind = name.startsWith('node') ? 'node' : name;
    const runtime = name === 'workerd' ? await Worker.start(program, folder, tls.files.authority) : new Command(kind, program, folder);
    try {
      await test(told, runtime, { set: 'suite' });
      await test(told, runtime, { set: 'clients', context: { ...context, ...contextOf(kind, tls) } });
      if (kind === 'node') await test(told, runtime, { set: 'node', context });
      for (const [server, isStream] of Object.entries(servers[name])) await testServer(name, runtime, server, isStream, browser);
    } finally {
      runtime.stop();
    }
  }
  if (!browser) report.of('chromium').skip('it is not installed: the servers were not tested with it');
}

/** What a runtime's clients have to know of it. */
function contextOf(kind, { authority }) {
  if (kind === 'deno') return { tls: { caCerts: [authority] }, hasAddresses: true };
  if (kind === 'workerd') return { trustsAll: true };
  return { tls: { ca: authority }, hasAddresses: true };
}

/** Starts what clients dial. */
async function peers(tls) {
  const [plain, secure] = [await startServer(), await startServer(tls)];
  cleanUp.push(() => plain.stop(), () => secure.stop());
  const context = { ws: plain.url, wss: secure.url, flood: FLOOD, closedPort: await closedPort() };
  const sockeye = find('sockeye');
  if (!sockeye) {
    report.of('sockeye').skip('the program is not built: nobody dials it');
    return context;
  }
  const { files } = tls;
  context.host = await startHost(sockeye);
  context.hostTls = (await startHost(sockeye, '--tls-cert', files.certificate, '--tls-key', files.key)).replace('127.0.0.1', 'localhost');
  return context;
}

async function startHost(sockeye, ...more) {
  const program = new Program(sockeye, ['serve', 'echo', '--listen', '127.0.0.1:0', '--deflate', '--max-message', '16MiB', '--subprotocol', 'chat', ...more]);
  for (let line; (line = await program.line(60)) !== null; ) {
    if (line.startsWith('listening on ')) return line.slice(13).trim();
  }
  throw new Error(`sockeye ended early: ${program.errors}`);
}

/** A port on which nobody listens any more. */
function closedPort() {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Runs a set of tests, and makes it a failure that it does not end in order. */
async function test(told, runtime, options) {
  if (options.set === 'clients' && !options.context.host) options.only = ['dialling ws', 'dialling ws over TLS'];
  try {
    await runtime.run({ filter, ...options }, (outcome) => told.take(outcome));
  } catch (error) {
    told.notOk(`${options.set}: the tests run to their end`, error);
  }
}

/** Tests a server with the peers. */
async function testServer(name, runtime, server, isStream, browser) {
  const told = report.of(`${name} ${server}`);
  let started;
  try {
    started = await runtime.serve(server);
  } catch (error) {
    told.notOk('the server starts', error);
    return;
  }
  const context = { url: started.url, hasStreams: isStream, isBehindHttp: server === 'server-http' };
  try {
    const only = isStream ? null : ['ws'];
    await run(wsClients, { filter, only, context }, (outcome) => told.take(outcome));
    if (browser) await test(told, browser, { set: 'pages', only: isStream ? null : ['Chromium'], context });
  } finally {
    started.stop();
  }
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
