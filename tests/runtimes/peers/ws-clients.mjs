// What the client of the package ws sees of a server: { url, hasStreams } in the context.
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';

import { bytes, concat, ensure, equal, noise, prose, sleep, text, utf8, within } from '../suite/harness.mjs';
import { WebSocket } from './ws.mjs';

/** Opens a connection, with `receive` for messages and `ended` for its end. */
export async function open(url, { protocols = [], ...options } = {}) {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false, maxPayload: 64 << 20, ...options });
  const inbox = [];
  const waiting = [];
  socket.on('message', (data, isBinary) => {
    const message = isBinary ? new Uint8Array(data) : data.toString();
    const waiter = waiting.shift();
    if (waiter) waiter(message);
    else inbox.push(message);
  });
  socket.receive = () => within(20, inbox.length > 0 ? inbox.shift() : new Promise((resolve) => waiting.push(resolve)));
  socket.ended = new Promise((resolve) => socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
  await within(20, new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  }));
  socket.on('error', () => {});
  return socket;
}

async function endOf(url, id) {
  const socket = await open(`${url}/ended?id=${id}`);
  const end = JSON.parse(await socket.receive());
  socket.close();
  await socket.ended;
  return end;
}

const SIZES = [0, 1, 125, 126, 65_535, 65_536, 1 << 20];

const modes = {
  'without compression': false,
  'compressed': { threshold: 0 },
  'compressed without context takeover': { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
  'compressed in small windows': { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
};

const basic = {};
const further = {};

for (const [mode, perMessageDeflate] of Object.entries(modes)) {
  // A WebSocketPair agrees on what its platform likes.
  const group = perMessageDeflate ? further : basic;
  group[`messages of every size come back, ${mode}`] = async ({ url, hasStreams }) => {
    for (const path of ['/echo', '/batch', ...(hasStreams ? ['/streams'] : [])]) {
      const socket = await open(`${url}${path}`, { perMessageDeflate });
      equal(socket.extensions.startsWith('permessage-deflate'), Boolean(perMessageDeflate), 'the extension');
      for (const size of SIZES) {
        for (const data of [noise(size), prose(size)]) {
          socket.send(data);
          equal(await socket.receive(), data, `${size} on ${path}`);
        }
      }
      socket.close(1000);
      equal(await socket.ended, { code: 1000, reason: '' });
    }
  };
}

basic['many small messages in one burst come back in order'] = async ({ url }) => {
  for (const path of ['/echo', '/batch']) {
    const socket = await open(`${url}${path}`);
    for (let at = 0; at < 5000; at += 1) socket.send(`message ${at}`);
    for (let at = 0; at < 5000; at += 1) equal(await socket.receive(), `message ${at}`);
    socket.close(1000);
    await socket.ended;
  }
};

basic['messages in many frames are put together'] = async ({ url }) => {
  const socket = await open(`${url}/echo`);
  for (const data of [utf8('grüße '.repeat(100)), noise(3000)]) {
    const binary = data.length === 3000;
    for (let at = 0; at < data.length; at += 7) {
      socket.send(data.subarray(at, at + 7), { binary, fin: at + 7 >= data.length });
      if (at % 700 === 0) socket.ping(`at ${at}`);
    }
    equal(await socket.receive(), binary ? data : text(data));
  }
  socket.close(1000);
  await socket.ended;
};

basic['both ends see the same close, whoever begins'] = async ({ url }) => {
  for (const [code, reason] of [[1000, ''], [1001, 'away'], [4000, 'ünïcode'], [4999, 'x'.repeat(123)]]) {
    const id = randomUUID();
    const socket = await open(`${url}/echo?id=${id}`);
    socket.close(code, reason);
    // Some answer with the code alone.
    equal((await socket.ended).code, code);
    equal(await endOf(url, id), { code, reason, clean: true, initiator: 'peer' });
    const told = await open(`${url}/close`);
    told.send(JSON.stringify({ code, reason }));
    equal(await told.ended, { code, reason });
  }
  const id = randomUUID();
  const socket = await open(`${url}/echo?id=${id}`);
  socket.close();
  equal(await socket.ended, { code: 1005, reason: '' });
  equal(await endOf(url, id), { code: 1005, reason: '', clean: true, initiator: 'peer' });
};

further['a Ping comes back with its payload, in both directions'] = async ({ url }) => {
  const socket = await open(`${url}/ping`);
  for (const payload of ['', 'x', 'y'.repeat(125)]) {
    const pong = new Promise((resolve) => socket.once('pong', (data) => resolve(data.toString())));
    socket.ping(payload);
    equal(await within(5, pong), payload);
    socket.send(payload);
    equal(await socket.receive(), `pong ${payload}`);
  }
  socket.close(1000);
  await socket.ended;
};

further['half a message and then nothing is 1006'] = async ({ url }) => {
  const id = randomUUID();
  const socket = await open(`${url}/echo?id=${id}`);
  socket.send('first');
  equal(await socket.receive(), 'first');
  socket._socket.write(bytes('81 fe 0400 01020304 6162'));
  await sleep(30);
  socket._socket.destroy();
  equal(await endOf(url, id), { code: 1006, reason: '', clean: false, initiator: 'transport' });
};

further['a broken rule is answered with its close code'] = async ({ url }) => {
  for (const [frame, code] of [['83 80 00000000', 1002], ['81 00', 1002], ['81 82 00000000 c0af', 1007], ['82 ff 0000000010000001 00000000', 1009], ['88 82 00000000 03ed', 1002]]) {
    const id = randomUUID();
    const socket = await open(`${url}/echo?id=${id}`);
    socket._socket.write(bytes(frame));
    equal((await within(10, socket.ended)).code, code, frame);
    const end = await endOf(url, id);
    equal([end.code, end.clean, end.initiator], [1006, false, 'local'], frame);
  }
};

further['a request cut into bytes, with a message behind it, is served'] = async ({ url }) => {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  const head = utf8(`GET /echo HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
  for (const [at, byte] of head.entries()) {
    if (at < 8) {
      socket.write(Uint8Array.of(byte));
      await sleep(2);
    }
  }
  socket.write(concat(head.subarray(8), bytes('81 85 37fa213d 7f9f4d5158')));
  const has = (end) => Buffer.concat(chunks).includes(end);
  for (let at = 0; at < 500 && !has(Buffer.from('8105', 'hex')); at += 1) await sleep(10);
  ensure(has('s3pPLMBiTxaQ9kYGzzhZRbK+xOo='), 'the request was accepted');
  ensure(has(Buffer.from('810548656c6c6f', 'hex')), 'the message came back');
  socket.destroy();
};

further['a request that breaks a rule is refused in words'] = async ({ url, isBehindHttp }) => {
  const { hostname, port } = new URL(url);
  const ask = (lines) => new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const chunks = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    socket.on('error', reject);
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  });
  const head = (path, version) => [`GET ${path} HTTP/1.1`, 'Host: a', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Version: ${version}`, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
  const wrongVersion = await within(10, ask(head('/', 8)));
  ensure(wrongVersion.startsWith('HTTP/1.1 426 ') && /sec-websocket-version: 13\r\n/i.test(wrongVersion), wrongVersion);
  const noKey = await within(10, ask(head('/', 13).slice(0, 5)));
  ensure(noKey.startsWith('HTTP/1.1 400 '), noKey);
  if (!isBehindHttp) ensure((await within(10, ask(['GET / HTTP/1.1', 'Host: a']))).startsWith('HTTP/1.1 426 '), 'what is no upgrade is told so');
};

further['twenty connections at once do not disturb each other'] = async ({ url }) => {
  await Promise.all(Array.from({ length: 20 }, async (_, name) => {
    const socket = await open(`${url}/echo`, { perMessageDeflate: name % 2 ? { threshold: 0 } : false });
    for (let at = 0; at < 30; at += 1) {
      const data = `${name}:${at}:${'z'.repeat(at * 97)}`;
      socket.send(data);
      equal(await socket.receive(), data);
    }
    socket.close(1000);
    equal((await socket.ended).code, 1000);
  }));
};

further['a server that does not receive stops the peer, and loses nothing'] = async ({ url }) => {
  const socket = await open(`${url}/late`);
  const piece = noise(64 << 10);
  for (let at = 0; at < 400; at += 1) socket.send(piece);
  await sleep(300);
  ensure(socket.bufferedAmount > 5 << 20, `most of it waits here: ${socket.bufferedAmount}`);
  socket.send('how much?');
  equal(await socket.receive(), String(400 * piece.length));
  socket.close(1000);
  await socket.ended;
};

further['a subprotocol is agreed on, and header fields arrive'] = async ({ url }) => {
  const socket = await open(`${url}/agreed`, { protocols: ['chat.v1', 'chat.v2'], headers: { 'X-Custom': 'yes' } });
  equal(socket.protocol, 'chat.v2');
  const { subprotocol, headers } = JSON.parse(await socket.receive());
  equal([subprotocol, headers['x-custom']], ['chat.v2', 'yes']);
  socket.close(1000);
  await socket.ended;
};

/** The first are for every server, the others for those that run over a byte stream. */
export const groups = { ws: basic, 'ws, further': further };
