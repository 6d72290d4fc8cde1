import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';

import { NodeTransport } from '../../../crates/sockeye-js/npm/src/adapters/node-duplex.js';
import { streamsTransport } from '../../../crates/sockeye-js/npm/src/adapters/streams.js';

/** A sink that remembers, and lets tests wait for what it was told. */
class FakeSink {
  chunks = [];
  length = 0;
  ends = [];
  drains = 0;
  owned = new Set();
  #waiting = [];

  data(chunk, isOwned) {
    this.chunks.push(Uint8Array.from(chunk));
    this.length += chunk.length;
    this.owned.add(isOwned);
    this.#look();
  }

  end(error) {
    this.ends.push(error);
    this.#look();
  }

  drain() {
    this.drains += 1;
    this.#look();
  }

  get text() {
    return Buffer.concat(this.chunks).toString();
  }

  until(isTrue) {
    return new Promise((resolve) => {
      this.#waiting.push({ isTrue, resolve });
      this.#look();
    });
  }

  #look() {
    this.#waiting = this.#waiting.filter(({ isTrue, resolve }) => !isTrue(this) || resolve());
  }
}

/** A transport that was made of one end of a connection, and the socket at the other end. */
async function pair(make, t) {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect(server.address().port, '127.0.0.1');
  const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
  t.after(() => {
    peer.destroy();
    socket.destroy();
    server.close();
  });
  peer.on('error', () => {});
  const transport = make(socket);
  const sink = new FakeSink();
  return { transport, sink, peer, socket };
}

const KINDS = {
  node: { make: (socket) => new NodeTransport(socket), isOwned: true },
  streams: { make: (socket) => streamsTransport(Duplex.toWeb(socket)), isOwned: false },
};

for (const [name, { make, isOwned }] of Object.entries(KINDS)) {
  test(`${name}: bytes go both ways in order`, async (t) => {
    const { transport, sink, peer } = await pair(make, t);
    transport.start(sink);
    peer.write('hello');
    await sink.until(() => sink.length === 5);
    assert.equal(sink.text, 'hello');
    assert.deepEqual([...sink.owned], [isOwned]);
    transport.write(Buffer.from('a'));
    transport.write(Buffer.from('b'), Buffer.from('c'));
    transport.write(Buffer.from('d'));
    let got = '';
    for await (const chunk of peer) {
      got += chunk;
      if (got.length === 4) break;
    }
    assert.equal(got, 'abcd');
    assert.equal(transport.bufferedAmount, 0);
  });

  test(`${name}: the end of the peer is told once, without an error`, async (t) => {
    const { transport, sink, peer } = await pair(make, t);
    transport.start(sink);
    peer.end('bye');
    await sink.until(() => sink.ends.length > 0);
    assert.equal(sink.text, 'bye');
    transport.destroy();
    transport.destroy();
    await new Promise(setImmediate);
    assert.deepEqual(sink.ends, [undefined]);
  });

  test(`${name}: a reset is told once, as an error`, async (t) => {
    const { transport, sink, peer } = await pair(make, t);
    transport.start(sink);
    peer.resetAndDestroy();
    await sink.until(() => sink.ends.length > 0);
    assert.ok(sink.ends[0] instanceof Error);
    await new Promise(setImmediate);
    assert.equal(sink.ends.length, 1);
  });

  test(`${name}: destroying is told once, and ends the socket`, async (t) => {
    const { transport, sink, peer } = await pair(make, t);
    transport.start(sink);
    peer.resume();
    const closed = once(peer, 'close');
    transport.destroy();
    await sink.until(() => sink.ends.length > 0);
    peer.end();
    await closed;
    assert.equal(sink.ends.length, 1);
  });

  test(`${name}: nothing is handed over while it is paused`, async (t) => {
    const { transport, sink, peer } = await pair(make, t);
    transport.start(sink);
    peer.write('a');
    await sink.until(() => sink.length === 1);
    transport.pause();
    peer.write('b');
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    assert.equal(sink.text, 'a');
    transport.resume();
    await sink.until(() => sink.length === 2);
    assert.equal(sink.text, 'ab');
  });

  test(`${name}: a peer that does not read is waited for`, async (t) => {
    const { transport, sink, peer } = await pair(make, t);
    transport.start(sink);
    // More than the operating system takes.
    const chunk = Buffer.alloc(1 << 26, 1);
    assert.equal(transport.write(chunk.subarray(1)), false);
    assert.equal(transport.write(chunk.subarray(0, 1)), false);
    assert.ok(transport.bufferedAmount >= 65_536);
    assert.equal(sink.drains, 0);
    let got = 0;
    peer.on('data', (data) => (got += data.length));
    await sink.until(() => sink.drains > 0);
    assert.equal(sink.drains, 1);
    assert.ok(transport.bufferedAmount < 65_536);
    transport.end();
    await once(peer, 'end');
    assert.equal(got, chunk.length);
  });

  test(`${name}: ending writes all, sends FIN, and waits for the peer's`, async (t) => {
    const { transport, sink, peer } = await pair(make, t);
    transport.start(sink);
    const bytes = Buffer.alloc(1 << 20, 7);
    transport.write(Buffer.from([1]), bytes);
    transport.end();
    assert.equal(transport.write(bytes), false);
    let got = 0;
    peer.on('data', (data) => (got += data.length));
    await once(peer, 'end');
    assert.equal(got, bytes.length + 1);
    assert.equal(sink.ends.length, 0);
    peer.end('too late');
    await sink.until(() => sink.ends.length > 0);
    assert.deepEqual(sink.ends, [undefined]);
    assert.equal(sink.length, 0);
  });

  test(`${name}: ending while paused still sees the peer's end`, async (t) => {
    const { transport, sink, peer } = await pair(make, t);
    transport.start(sink);
    transport.pause();
    peer.write(Buffer.alloc(1 << 20));
    peer.end();
    transport.end();
    await sink.until(() => sink.ends.length > 0);
    assert.deepEqual(sink.ends, [undefined]);
    assert.equal(sink.length, 0);
  });
}

test('a peer that keeps its side open is left two seconds after the end', async (t) => {
  for (const [name, { make }] of Object.entries(KINDS)) {
    const { transport, sink, peer } = await pair(make, t);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    transport.start(sink);
    peer.resume();
    transport.end();
    await once(peer, 'end');
    // The end of the writing side is told in a later turn.
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    t.mock.timers.tick(1999);
    await new Promise(setImmediate);
    assert.equal(sink.ends.length, 0, name);
    t.mock.timers.tick(1);
    await sink.until(() => sink.ends.length > 0);
    t.mock.timers.reset();
  }
});

test('node: the socket of an HTTP server loses its timeout', async (t) => {
  const server = http.createServer({ requestTimeout: 5 }).listen(0, '127.0.0.1');
  server.timeout = 60_000;
  await once(server, 'listening');
  const client = http.get({ port: server.address().port, headers: { Connection: 'Upgrade', Upgrade: 'websocket' } });
  client.on('error', () => {});
  const [request, socket] = await once(server, 'upgrade');
  t.after(() => {
    socket.destroy();
    server.close();
  });
  assert.equal(socket.timeout, 60_000);
  const transport = new NodeTransport(socket);
  const sink = new FakeSink();
  transport.start(sink);
  assert.equal(socket.timeout, 0);
  assert.equal(request.headers.upgrade, 'websocket');
  assert.match(transport.remoteAddress, /127\.0\.0\.1:\d+$/);
  client.destroy();
  await sink.until(() => sink.ends.length > 0);
  assert.equal(sink.ends.length, 1);
});

test('node: what is written while it is corked goes out in order, with the end behind it', async (t) => {
  const { transport, sink, peer } = await pair(KINDS.node.make, t);
  transport.start(sink);
  const payload = Buffer.alloc(5000, 'p');
  transport.cork();
  transport.write(Buffer.from('a'), payload);
  transport.write(Buffer.from('b'));
  assert.equal(transport.bufferedAmount, 5002);
  transport.write(Buffer.from('c'), payload);
  transport.uncork();
  transport.uncork();
  transport.write(Buffer.from('d'));
  transport.cork();
  transport.write(Buffer.from('e'), payload);
  transport.end();
  let got = '';
  for await (const chunk of peer) got += chunk;
  assert.equal(got, `a${payload}bc${payload}de${payload}`);
});

test('node: a socket that is gone already is told to the sink', async (t) => {
  const { transport, sink, socket } = await pair(KINDS.node.make, t);
  socket.destroy();
  await once(socket, 'close');
  transport.start(sink);
  await sink.until(() => sink.ends.length > 0);
  assert.equal(sink.ends.length, 1);
});

test('streams: something other than bytes ends the connection with an error', async () => {
  const readable = new ReadableStream({ start: (controller) => controller.enqueue('text') });
  const transport = streamsTransport({ readable, writable: new WritableStream() });
  const sink = new FakeSink();
  transport.start(sink);
  await sink.until(() => sink.ends.length > 0);
  assert.ok(sink.ends[0] instanceof TypeError);
});

test('streams: errors on both sides leave no rejection behind, and no lock', async () => {
  let failRead;
  const readable = new ReadableStream({ start: (controller) => (failRead = () => controller.error(new Error('broken'))) });
  const writable = new WritableStream({ write: () => Promise.reject(new Error('full')) });
  const transport = streamsTransport({ readable, writable, closed: Promise.reject(new Error('broken')), opened: Promise.reject(new Error('broken')) });
  const sink = new FakeSink();
  transport.start(sink);
  transport.write(new Uint8Array(3));
  failRead();
  await sink.until(() => sink.ends.length > 0);
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  assert.equal(sink.ends.length, 1);
  assert.ok(sink.ends[0] instanceof Error);
  assert.equal(readable.locked, false);
  assert.equal(writable.locked, false);
});

test('streams: a side that cannot be ended is let go without another error', async () => {
  const calls = [];
  const writable = new WritableStream({ close: () => Promise.reject(new Error('gone')), abort: () => calls.push('abort') });
  const readable = new ReadableStream({ cancel: () => calls.push('cancel') });
  const transport = streamsTransport({ readable, writable, close: () => calls.push('close') });
  const sink = new FakeSink();
  transport.start(sink);
  transport.end();
  await sink.until(() => sink.ends.length > 0);
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  assert.deepEqual(sink.ends, [undefined]);
  assert.deepEqual(calls, ['cancel']);
  assert.equal(writable.locked || readable.locked, false);
});

test('streams: byte streams are read into buffers that may be overwritten', async () => {
  const readable = new ReadableStream({ type: 'bytes', start: (controller) => controller.enqueue(new Uint8Array([1, 2, 3])) });
  const transport = streamsTransport({ readable, writable: new WritableStream() });
  const sink = new FakeSink();
  transport.start(sink);
  await sink.until(() => sink.length === 3);
  assert.deepEqual([...sink.owned], [true]);
  transport.destroy();
});
