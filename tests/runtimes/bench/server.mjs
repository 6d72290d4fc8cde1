// An echo server: `node server.mjs CANDIDATE ENTRY WINDOW-BITS`, 0 for no compression, `default` for what each does by default. It is asked over IPC for what it has used.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [candidate, entry, bits] = process.argv.slice(2);
const isDefault = bits === 'default';
const windowBits = isDefault ? 1 : Number(bits);
const MESSAGE = 2 ** 21;
/** Unless each does what it does by default, both compress at this level. Both always compress, whatever the size. */
const LEVEL = 6;

let linearMemory = () => 0;
const server = createServer();
if (candidate.startsWith('ws')) await serveWs();
else await serveSockeye();
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => process.send({ port: server.address().port }));

async function serveSockeye() {
  const { Upgrader } = await import(pathToFileURL(entry));
  const { memorySize } = await import(new URL('core.js', pathToFileURL(entry)));
  linearMemory = memorySize;
  const deflate = windowBits > 0 && { threshold: 0, ...(!isDefault && { level: LEVEL, serverMaxWindowBits: windowBits, clientMaxWindowBits: windowBits }) };
  const upgrader = new Upgrader({ origins: 'any', deflate, limits: { messageSize: MESSAGE } });
  const echo = candidate === 'onmessages' ? echoBatches : echoOneByOne;
  server.on('upgrade', (request, socket, head) => upgrader.upgrade(request, socket, head).then(echo).catch(fail));
}

function echoBatches(conn) {
  conn.onmessages = (messages) => {
    for (const message of messages) conn.send(message);
  };
}

async function echoOneByOne(conn) {
  for await (const message of conn) await conn.send(message);
}

async function serveWs() {
  const require = createRequire(import.meta.url);
  // `ws` goes on without it, which would be another measurement.
  const { mask } = require('bufferutil');
  if (!/\[native code\]/.test(String(mask))) throw new Error('bufferutil is not the native one');
  const { WebSocketServer } = require('ws');
  const perMessageDeflate = windowBits > 0 && { threshold: 0, ...(!isDefault && { zlibDeflateOptions: { level: LEVEL }, serverMaxWindowBits: windowBits, clientMaxWindowBits: windowBits }) };
  const webSockets = new WebSocketServer({ server, perMessageDeflate, maxPayload: MESSAGE });
  webSockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('error', fail);
  });
}

function fail(error) {
  console.error(`${candidate}: ${error.stack ?? error}`);
  process.exit(1);
}

process.on('message', (question) => {
  if (question === 'stop') process.exit(0);
  if (question === 'collect') for (let round = 0; round < 3; round += 1) globalThis.gc();
  const { user, system } = process.cpuUsage();
  process.send({ cpu: user + system, resident: process.memoryUsage.rss(), linear: linearMemory() });
});
process.on('disconnect', () => process.exit(0));
