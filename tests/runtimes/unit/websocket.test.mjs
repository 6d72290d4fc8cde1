// Connections over a platform's WebSocket, which `ws` stands for here, and bridges between them. Needs the package that `cargo xtask js` builds.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServer } from 'node:net';

import { WebSocket, WebSocketServer } from 'ws';

import { CloseError, bridge, fromWebSocket, joinMessages, upgradeToPair } from '../../../target/npm/sockeye/dist/entry-node.js';

let server, url;
const peers = [];
const arrivals = [];

before(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    const arrival = arrivals.shift();
    if (arrival) arrival(socket);
    else peers.push(socket);
  });
  await new Promise((resolve) => server.once('listening', resolve));
  url = `ws://127.0.0.1:${server.address().port}`;
});

after(() => {
  for (const client of server.clients) client.terminate();
  server.close();
});

/** A connection, and the peer at its other end. */
async function pair(options) {
  const conn = await fromWebSocket(new WebSocket(url), options);
  const peer = peers.shift() ?? (await new Promise((resolve) => arrivals.push(resolve)));
  return [conn, peer];
}

const closed = (peer) => new Promise((resolve) => peer.once('close', (code, reason) => resolve([code, String(reason)])));

/** Waits until everything that the peer has sent is there: a message that is asked for behind it. */
async function settle(conn, peer) {
  const arrived = new Promise((resolve) => conn.socket.once('pong', resolve));
  conn.socket.ping();
  await arrived;
}

test('messages come in order, as text or bytes', async () => {
  const [conn, peer] = await pair();
  peer.send('a');
  peer.send(Buffer.from([1, 2]));
  peer.send('{"b":1}');
  peer.send('{');
  peer.send('c');
  assert.equal(await conn.receive(), 'a');
  assert.deepEqual(await conn.receive(), new Uint8Array([1, 2]));
  assert.deepEqual(await conn.receiveJson(), { b: 1 });
  await assert.rejects(conn.receiveJson(), SyntaxError);
  assert.equal(await conn.receive(), 'c');
  const echo = new Promise((resolve) => peer.once('message', (data, isBinary) => resolve([String(data), isBinary])));
  await conn.send('d');
  assert.deepEqual(await echo, ['d', false]);
  conn.abort();
});

test('what the platform lacks is not there', async () => {
  const [conn] = await pair();
  assert.deepEqual(conn.abilities, { ping: false, backpressure: false, streams: false, readLimit: false, compression: false });
  for (const name of ['ping', 'pong', 'receiveStream', 'sendStream', 'setReadLimit', 'setCompression', 'sendPrepared']) assert.equal(name in conn, false, name);
  conn.abort();
});

test('an aborted receive leaves its message to the next one', async () => {
  const [conn, peer] = await pair();
  const control = new AbortController();
  const aborted = conn.receive({ signal: control.signal });
  control.abort(new Error('enough'));
  await assert.rejects(aborted, { message: 'enough' });
  peer.send('a');
  assert.equal(await conn.receive(), 'a');
  conn.abort();
});

test('onmessages takes what has waited, and receive waits meanwhile', async () => {
  const [conn, peer] = await pair();
  peer.send('1');
  peer.send('2');
  await settle(conn, peer);
  const batches = [];
  conn.onmessages = (messages) => batches.push(messages);
  assert.deepEqual(batches, [['1', '2']]);
  const received = conn.receive();
  peer.send('3');
  await settle(conn, peer);
  assert.deepEqual(batches, [['1', '2'], ['3']]);
  conn.onmessages = null;
  peer.send('4');
  assert.equal(await received, '4');
  conn.abort();
});

test('what cannot be sent is refused before anything is', async () => {
  const [conn, peer] = await pair();
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, '1000']) {
    assert.throws(() => conn.close(code), { name: 'SendError', code: 'INVALID_CLOSE_CODE' }, String(code));
  }
  assert.throws(() => conn.close(1000, 'é'.repeat(62)), { name: 'SendError', code: 'CONTROL_TOO_LONG' });
  assert.throws(() => conn.close(1000, 5), { name: 'UsageError', code: 'INVALID_ARGUMENT' });
  assert.throws(() => conn.send(5), { name: 'UsageError', code: 'INVALID_ARGUMENT' });
  const buffer = new ArrayBuffer(4);
  structuredClone(buffer, { transfer: [buffer] });
  assert.throws(() => conn.send(buffer), { name: 'UsageError', code: 'DETACHED' });
  assert.throws(() => conn.sendJson(undefined), { name: 'UsageError', code: 'INVALID_ARGUMENT' });
  assert.equal(conn.state, 'open');
  const end = closed(peer);
  await conn.close(1000, 'é'.repeat(61));
  assert.deepEqual(await end, [1000, 'é'.repeat(61)]);
});

test('a platform that refuses a code has it refused', async () => {
  const [conn, peer] = await pair();
  // Browsers let pages send 1000 and 3000 to 4999.
  const { close } = conn.socket;
  conn.socket.close = (code, reason) => {
    if (code !== undefined && code !== 1000 && code < 3000) throw new DOMException('not this code', 'InvalidAccessError');
    close.call(conn.socket, code, reason);
  };
  assert.throws(() => conn.close(1001), { name: 'SendError', code: 'INVALID_CLOSE_CODE' });
  assert.equal(conn.state, 'open');
  peer.send('a');
  assert.equal(await conn.receive(), 'a');
  await conn.close(3000);
});

test('closing tells how it ended, to everybody who asks', async () => {
  const [conn, peer] = await pair();
  let told = null;
  conn.onclose = (close) => (told = close);
  const receiving = conn.receive();
  const end = closed(peer);
  const close = await conn.close(4001, 'enough');
  assert.deepEqual({ ...close }, { code: 4001, closeCode: 4001, reason: 'enough', initiator: 'local', clean: true, error: null });
  assert.deepEqual(await end, [4001, 'enough']);
  assert.equal(told, close);
  assert.equal(await receiving, null);
  assert.equal(await conn.receive(), null);
  assert.equal(await conn.close(), close);
  assert.equal(conn.state, 'closed');
  assert.throws(() => conn.send('a'), { name: 'SendError', code: 'CLOSE_SENT' });
});

test('what came before the end is received before it', async () => {
  const [conn, peer] = await pair();
  peer.send('last');
  peer.close(4002, 'over');
  const { code, initiator } = await conn.closed;
  assert.deepEqual([code, initiator], [4002, 'peer']);
  assert.equal(await conn.receive(), 'last');
  assert.equal(await conn.receive(), null);
});

test('an end without a Close frame is an error', async () => {
  const [conn, peer] = await pair();
  peer.terminate();
  await assert.rejects(conn.receive(), (error) => {
    const { code, initiator, clean, error: cause } = error.close;
    return error instanceof CloseError && code === 1006 && initiator === 'transport' && !clean && cause.code === 'UNEXPECTED_END';
  });
});

test('a peer that does not answer a Close frame is waited for only so long', async () => {
  const [conn, peer] = await pair({ timeouts: { close: 50 } });
  peer.pause();
  const { code, clean, error } = await conn.close();
  assert.deepEqual([code, clean, error.code], [1006, false, 'CLOSE_TIMEOUT']);
});

test('a peer that sends more than is received is turned away, and what waits is not lost', async () => {
  const [conn, peer] = await pair({ limits: { receiveBuffer: 1000 } });
  const end = closed(peer);
  // A message that waits alone may be longer.
  peer.send('x'.repeat(5000));
  peer.send('y');
  assert.deepEqual(await end, [1008, 'messages are not being received fast enough']);
  assert.equal((await conn.receive()).length, 5000);
  await assert.rejects(conn.receive(), { name: 'CloseError', code: 'RECEIVE_BUFFER_FULL' });
});

test('empty messages fill the buffer, too', async () => {
  const [conn, peer] = await pair({ limits: { receiveBuffer: 640 } });
  const end = closed(peer);
  for (let i = 0; i < 11; i++) peer.send('');
  assert.equal((await end)[0], 1008);
  for (let i = 0; i < 10; i++) assert.equal(await conn.receive(), '');
  await assert.rejects(conn.receive(), { code: 'RECEIVE_BUFFER_FULL' });
});

test('send waits while much waits to go out, and refuses when nobody waits', async () => {
  const [conn, peer] = await pair({ limits: { sendBuffer: 65_536 } });
  let received = 0;
  peer.on('message', (data) => (received += data.length));
  peer.pause();
  const chunk = new Uint8Array(1 << 20);
  let isWaiting = true;
  let last;
  let sent = 0;
  assert.throws(() => {
    for (;;) {
      last = conn.send(chunk);
      sent += chunk.length;
    }
  }, { name: 'SendError', code: 'QUEUE_FULL' });
  last.then(() => (isWaiting = false));
  await Promise.resolve();
  assert.equal(isWaiting, true);
  peer.resume();
  await last;
  await conn.close();
  assert.equal(received, sent);
});

test('opening is bounded in time, can be aborted, and says when it fails', async () => {
  const silent = createServer((socket) => socket.resume());
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const nowhere = `ws://127.0.0.1:${silent.address().port}`;
  await assert.rejects(fromWebSocket(new WebSocket(nowhere), { timeouts: { handshake: 50 } }), { name: 'HandshakeError', code: 'TIMEOUT' });
  const control = new AbortController();
  const aborted = fromWebSocket(new WebSocket(nowhere), { signal: control.signal });
  control.abort(new Error('enough'));
  await assert.rejects(aborted, { message: 'enough' });
  await new Promise((resolve) => silent.close(resolve));
  await assert.rejects(fromWebSocket(new WebSocket(nowhere)), { name: 'HandshakeError', code: 'REFUSED' });
  await assert.rejects(fromWebSocket({}), { name: 'UsageError', code: 'INVALID_ARGUMENT' });
  const [conn] = await pair();
  await assert.rejects(fromWebSocket(conn.socket, { limits: { receiveBuffer: -1 } }), { name: 'UsageError', code: 'INVALID_OPTION' });
  await conn.close();
  await assert.rejects(fromWebSocket(conn.socket), { name: 'UsageError', code: 'INVALID_ARGUMENT' });
});

test('without WebSocketPair there is no upgradeToPair', () => {
  assert.throws(() => upgradeToPair(new Request('http://localhost/')), { name: 'UsageError', code: 'UNSUPPORTED' });
});

test('a bridge passes everything in order, and the Close frame behind it', async () => {
  const [[a, left], [b, right]] = [await pair(), await pair()];
  const done = bridge(a, b);
  const received = [];
  right.on('message', (data, isBinary) => received.push(isBinary ? data.length : String(data)));
  const end = Promise.all([closed(right), closed(left)]);
  const expected = [];
  for (let i = 0; i < 500; i++) {
    left.send(i % 3 ? `message ${i}` : new Uint8Array(i));
    expected.push(i % 3 ? `message ${i}` : i);
  }
  left.close(4010, 'done');
  assert.deepEqual(await end, [[4010, 'done'], [4010, 'done']]);
  assert.deepEqual(received, expected);
  await done;
});

for (const [what, act, code] of [
  ['no code', (peer) => peer.close(), 1005],
  ['a code of the protocol', (peer) => peer.close(1011, 'broken'), 1011],
  ['an end without a Close frame as 1001', (peer) => peer.terminate(), 1001],
  ['a connection that was failed as 1011', (peer) => [1, 2, 3].forEach(() => peer.send('x'.repeat(1000))), 1011],
]) {
  test(`a bridge passes ${what}`, async () => {
    const options = { limits: { receiveBuffer: 1500 } };
    const [[a, left], [b, right]] = [await pair(options), await pair()];
    if (what.includes('failed')) b.send = () => a.closed;
    const end = closed(right);
    const done = bridge(a, b);
    act(left);
    assert.equal((await end)[0], code);
    await done;
  });
}

test('a bridge does not wait for a side that takes nothing when the other has ended', async (t) => {
  const [[a, left], [b, right]] = [await pair(), await pair()];
  b.send = () => b.closed;
  const end = closed(right);
  left.send('x');
  await settle(a, left);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const done = bridge(a, b);
  left.terminate();
  await a.closed;
  await Promise.resolve();
  t.mock.timers.tick(30_000);
  assert.equal((await end)[0], 1001);
  await done;
});

test('a bridge sends what comes closest to a code that a platform refuses', async () => {
  for (const [code, nearest] of [[1001, 1000], [1011, 4011], [3000, 3000]]) {
    const [[a, left], [b, right]] = [await pair(), await pair()];
    const { close } = b.socket;
    b.socket.close = (code, reason) => {
      if (code !== undefined && code !== 1000 && code < 3000) throw new DOMException('not this code', 'InvalidAccessError');
      close.call(b.socket, code, reason);
    };
    const end = closed(right);
    const done = bridge(a, b);
    left.close(code);
    assert.equal((await end)[0], nearest);
    await done;
  }
});

test('a bridge that cannot go on closes both and says why', async () => {
  const [[a, left], [b, right]] = [await pair(), await pair()];
  b.send = () => Promise.reject(new Error('unwilling'));
  const ends = Promise.all([closed(left), closed(right)]);
  const done = bridge(a, b);
  left.send('x');
  await assert.rejects(done, { message: 'unwilling' });
  assert.deepEqual((await ends).map(([code]) => code), [1011, 1011]);
  await assert.rejects(bridge(a, a), { name: 'UsageError', code: 'INVALID_ARGUMENT' });
});

test('messages are joined into one stream of bytes', async () => {
  const [conn, peer] = await pair();
  for (const message of ['a', '', Buffer.from('b')]) peer.send(message);
  peer.close();
  assert.equal(await new Response(joinMessages(conn, '\n')).text(), 'a\n\nb\n');
});

test('empty messages are no end of the joined stream, a broken connection is an error of it, and cancelling closes', async () => {
  const [conn, peer] = await pair();
  const reader = joinMessages(conn).getReader();
  peer.send('');
  peer.send('a');
  assert.deepEqual((await reader.read()).value, new Uint8Array([0x61]));
  peer.terminate();
  await assert.rejects(reader.read(), { name: 'CloseError', code: 'UNEXPECTED_END' });
  const [other, otherPeer] = await pair();
  const end = closed(otherPeer);
  await joinMessages(other).cancel();
  assert.equal((await end)[0], 1005);
});
