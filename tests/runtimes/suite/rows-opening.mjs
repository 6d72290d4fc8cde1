// What gorilla/websocket offers for opening connections, row by row, over streams in memory.
import { CloseCode, Dialer, HandshakeError, Upgrader, UsageError, dial, isWebSocketUpgrade, subprotocols } from 'sockeye';

import { connected, raw, streams, withPair } from './engines.mjs';
import { ensure, equal, fails, latin1, prose, text, throws } from './harness.mjs';
import { request } from './handshake.mjs';

/** Web streams in the shape of the WinterTC sockets proposal, and their other end. */
export function streamPair() {
  const [forth, back] = [new TransformStream(), new TransformStream()];
  return [
    { readable: back.readable, writable: forth.writable },
    { readable: forth.readable, writable: back.writable },
  ];
}

const isHeadDone = (data) => latin1(data).includes('\r\n\r\n');

/** What a server with these options answers to this request. */
async function answer(data, options = {}) {
  const peer = raw();
  const upgrader = new Upgrader(options);
  const accepting = upgrader.accept(peer.far);
  accepting.catch(() => {});
  peer.write(data);
  const head = latin1(await peer.read(isHeadDone));
  return { head, accepting, peer };
}

/** Dials a server that answers with these lines. KEY is the right `Sec-WebSocket-Accept`. */
async function dialled(lines, options = {}, body = '') {
  const peer = raw();
  const dialing = new Dialer(options).dialStream(peer.far, 'ws://example.com/');
  dialing.catch(() => {});
  const key = /Sec-WebSocket-Key: (\S+)/i.exec(latin1(await peer.read(isHeadDone)))[1];
  const digest = await accept(key);
  peer.write(`${lines.join('\r\n').replace('KEY', digest)}\r\n\r\n${body}`);
  return { dialing, peer };
}

async function accept(key) {
  const hash = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`));
  return btoa(String.fromCharCode(...new Uint8Array(hash)));
}

const SWITCHING = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Accept: KEY'];

export default {
  async 'row_01 an upgrade over web streams opens a connection'() {
    const [near, far] = streamPair();
    const [client, server] = await Promise.all([new Dialer().dialStream(near, 'ws://example.com/a?b=c'), new Upgrader().accept(far)]);
    equal([client.role, server.role], ['client', 'server']);
    equal([client.state, server.state], ['open', 'open']);
    equal([server.request.target, server.request.host], ['/a?b=c', 'example.com']);
    equal(client.response.status, 101);
    equal([client.request, server.response], [null, null]);
    client.send('Hello');
    equal(await server.receive(), 'Hello');
    server.send(prose(200_000));
    equal(await client.receive(), prose(200_000));
    equal((await Promise.all([client.close(1000), server.receive()]))[0].clean, true);
  },

  async 'row_01 a request that breaks a rule is told so, never closed in silence'() {
    for (const [changes, status, code] of [
      [{ GET: 'POST / HTTP/1.1' }, 405, 'METHOD'],
      [{ 'Sec-WebSocket-Version': 'Sec-WebSocket-Version: 8' }, 426, 'VERSION_UNSUPPORTED'],
      [{ 'Sec-WebSocket-Key': null }, 400, 'KEY_MISSING'],
      [{ Origin: 'Origin: https://elsewhere.example' }, 403, 'ORIGIN_NOT_ALLOWED'],
    ]) {
      const { head, accepting, peer } = await answer(request(changes));
      ensure(head.startsWith(`HTTP/1.1 ${status} `), head);
      if (status === 426) ensure(/Sec-WebSocket-Version: 13\r\n/i.test(head), head);
      const error = await fails(HandshakeError, code, () => accepting);
      equal([error.status, error.response], [status, null]);
      await peer.read(() => false);
      equal(peer.hasEnded, true);
    }
  },

  async 'row_02 the handshake of a server has a bound, reading included'() {
    const peer = raw();
    const accepting = new Upgrader({ timeouts: { handshake: 60 } }).accept(peer.far);
    peer.write('GET / HTTP/1.1\r\nHost: a\r\n');
    const error = await fails(HandshakeError, 'TIMEOUT', () => accepting);
    equal(error.status, 408);
    ensure(latin1(await peer.read(isHeadDone)).startsWith('HTTP/1.1 408 '), 'the client is told');
  },

  async 'row_02 a handshake can be given up by its signal'() {
    const reason = new Error('enough');
    for (const start of [(far, signal) => new Upgrader().accept(far, { signal }), (far, signal) => new Dialer().dialStream(far, 'ws://a/', { signal })]) {
      const { far } = raw();
      const controller = new AbortController();
      const starting = start(far, controller.signal);
      controller.abort(reason);
      equal(await starting.catch((error) => error), reason);
      equal(await start(raw().far, AbortSignal.abort(reason)).catch((error) => error), reason);
    }
  },

  async 'row_03 bounds on buffers are settings, and finite by default'() {
    await withPair({ server: { limits: { receiveBuffer: 1000 } }, client: { limits: { sendBuffer: 1000 } }, highWater: 100 }, async ({ client, server }) => {
      let sent = 0;
      let isWaiting = false;
      while (!isWaiting && sent < 10_000) {
        const sending = client.send('x'.repeat(100));
        sent += 1;
        isWaiting = await Promise.race([sending.then(() => false), new Promise((resolve) => setTimeout(() => resolve(true), 30))]);
      }
      ensure(isWaiting, 'sending waits when nothing is received');
      ensure(sent < 200, `it waits soon: ${sent} messages`);
      for (let at = 0; at < sent; at += 1) equal(await server.receive(), 'x'.repeat(100));
    });
  },

  async 'row_04 the server takes the first of its subprotocols that was offered'() {
    const agreed = async (server, client) => withPair({ server: { subprotocols: server }, client: { subprotocols: client } }, (pair) => [pair.server.subprotocol, pair.client.subprotocol]);
    equal(await agreed(['b', 'a'], ['a', 'b']), ['b', 'b']);
    equal(await agreed(['c'], ['a', 'b']), [null, null]);
    equal(await agreed(['c'], []), [null, null]);
    const { head } = await answer(request({ 'Sec-WebSocket-Protocol': null }), { subprotocols: ['chat'] });
    ensure(!/sec-websocket-protocol/i.test(head), 'who offered none is given none');
  },

  async 'row_05 the application shapes the refusal'() {
    const { head, accepting } = await answer(request(), {
      onRequest: async ({ target }) => ({ status: 404, headers: { 'X-Where': target }, body: 'no such room' }),
    });
    ensure(head.startsWith('HTTP/1.1 404 ') && /x-where: \/chat\?room=1\r\n/i.test(head) && head.endsWith('\r\n\r\nno such room'), head);
    equal((await fails(HandshakeError, null, () => accepting)).status, 404);
  },

  async 'row_05 an onRequest that throws refuses with 500'() {
    const reason = new Error('the database is down');
    const { head, accepting } = await answer(request(), { onRequest: () => Promise.reject(reason) });
    ensure(head.startsWith('HTTP/1.1 500 '), head);
    ensure(!head.includes('database'), 'the client is not told why');
    const error = await accepting.catch((caught) => caught);
    ensure(error === reason || error.cause === reason, 'the application gets its error');
  },

  async 'row_06 origins other than the host are refused unless allowed'() {
    const status = async (origin, options, host = 'example.com') => Number((await answer(request({ Origin: origin && `Origin: ${origin}`, Host: `Host: ${host}` }), options)).head.slice(9, 12));
    equal(await status('https://example.com'), 101);
    equal(await status(null), 101);
    equal(await status('https://example.com:8443'), 403);
    equal(await status('https://EXAMPLE.COM'), 101);
    equal(await status('http://[::1]:8080', {}, '[::1]:8080'), 101);
    equal(await status('null'), 403);
    equal(await status('https://b.example.org', { origins: ['https://*.example.org'] }), 101);
    equal(await status('https://b.example.net', { origins: ['https://*.example.org'] }), 403);
    equal(await status('https://anything.example', { origins: 'any' }), 101);
    equal(await status('https://elsewhere.example', { origins: 'any', onRequest: ({ origin }) => (origin.includes('else') ? { status: 403 } : undefined) }), 403);
  },

  async 'row_07 compression is negotiated when both want it'() {
    await withPair({ server: { deflate: true }, client: { deflate: true } }, async ({ client, server, near, far }) => {
      equal(client.extensions, server.extensions);
      ensure(client.extensions.startsWith('permessage-deflate'), client.extensions);
      const before = [near.written, far.written];
      client.send(prose(100_000));
      equal(await server.receive(), prose(100_000));
      server.send(prose(100_000));
      equal(await client.receive(), prose(100_000));
      ensure(near.written - before[0] < 5000 && far.written - before[1] < 5000, 'both directions are compressed');
    });
    await withPair({ server: { deflate: true } }, ({ client }) => equal(client.extensions, null));
  },

  async 'row_08 the server adds fields to its response, but not those of the handshake'() {
    const { client, server } = await connected({ server: { headers: [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']], onRequest: () => ({ headers: { 'X-More': 'yes' } }) } });
    const fields = client.response.headers;
    equal(fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value), ['a=1', 'b=2']);
    equal(fields.find(([name]) => name === 'x-more')?.[1], 'yes');
    client.abort();
    server.abort();
    for (const headers of [{ Connection: 'close' }, { 'sec-websocket-accept': 'x' }, { 'X-Y': 'a\r\nInjected: yes' }]) {
      throws(UsageError, 'INVALID_OPTION', () => new Upgrader({ headers }));
      await fails(UsageError, 'INVALID_OPTION', () => new Dialer().dialStream(streams()[0], 'ws://a/', { headers }));
    }
  },

  async 'row_09 the request has the fields it was given'() {
    await withPair({ client: { headers: { 'X-One': '1' }, origin: 'http://example.com' }, dial: { headers: [['X-Two', '2']] } }, ({ server }) => {
      const field = (name) => server.request.headers.find(([one]) => one === name)?.[1];
      equal([field('x-one'), field('x-two'), server.request.origin], ['1', '2', 'http://example.com']);
    });
  },

  async 'row_10 a handshake that fails has the response in its error'() {
    const { dialing } = await dialled(['HTTP/1.1 403 Forbidden', 'X-Why: because', 'Content-Length: 4'], {}, 'away');
    const error = await fails(HandshakeError, 'REFUSED', () => dialing);
    equal([error.response.status, text(error.response.body)], [403, 'away']);
    equal(error.response.headers.find(([name]) => name === 'x-why')?.[1], 'because');
    for (const [lines, code] of [
      [SWITCHING.slice(0, 3), 'ACCEPT_MISSING'],
      [[...SWITCHING.slice(0, 3), 'Sec-WebSocket-Accept: AAAA'], 'ACCEPT_MISMATCH'],
      [[SWITCHING[0], ...SWITCHING.slice(2)], 'UPGRADE_MISSING'],
      [[...SWITCHING, 'Sec-WebSocket-Extensions: x'], 'EXTENSION_UNEXPECTED'],
    ]) {
      await fails(HandshakeError, code, async () => (await dialled(lines)).dialing, code);
    }
  },

  async 'row_11 a connector of the application\'s own makes the stream'() {
    const [near, far] = streams();
    const targets = [];
    const dialer = new Dialer({
      connect(target) {
        targets.push(target);
        return Promise.resolve(near);
      },
    });
    const [client, server] = await Promise.all([dialer.dial('wss://example.com/x'), new Upgrader().accept(far)]);
    const [{ hostname, port, secure, signal }] = targets;
    equal([hostname, port, secure], ['example.com', 443, true]);
    ensure(signal instanceof AbortSignal, 'the target has a signal');
    equal(server.request.host, 'example.com');
    client.abort();
    const reason = new Error('no route');
    const error = await new Dialer({ connect: () => Promise.reject(reason) }).dial('ws://a/').catch((caught) => caught);
    ensure(error === reason || error.cause === reason, 'what connecting failed with comes out');
  },

  async 'row_14 the handshake of a client has a bound'() {
    const peer = raw();
    await fails(HandshakeError, 'TIMEOUT', () => new Dialer({ timeouts: { handshake: 60 } }).dialStream(peer.far, 'ws://a/'));
    await fails(HandshakeError, 'TIMEOUT', () => new Dialer({ timeouts: { handshake: 60 }, connect: () => new Promise(() => {}) }).dial('ws://a/'));
  },

  async 'row_15 a cookie jar is asked and told'() {
    const asked = [];
    const told = [];
    const jar = {
      getCookieString: async (url) => {
        asked.push(url);
        return 'session=1';
      },
      setCookie: async (cookie, url) => told.push([cookie, url]),
    };
    const [near, far] = streams();
    const upgrader = new Upgrader({ headers: [['Set-Cookie', 'a=1; Path=/'], ['Set-Cookie', 'b=2']] });
    const [client, server] = await Promise.all([new Dialer({ jar, connect: () => near }).dial('ws://example.com/x'), upgrader.accept(far)]);
    equal(server.request.headers.filter(([name]) => name === 'cookie').map(([, value]) => value), ['session=1']);
    equal(asked.length, 1);
    ensure(/^(http|ws):\/\/example\.com\/x$/.test(asked[0]), asked[0]);
    equal(told.map(([cookie]) => cookie), ['a=1; Path=/', 'b=2']);
    client.abort();
  },

  async 'row_16 a subprotocol that was not offered fails the handshake'() {
    const { dialing } = await dialled([...SWITCHING, 'Sec-WebSocket-Protocol: other'], { subprotocols: ['chat'] });
    await fails(HandshakeError, 'SUBPROTOCOL_UNEXPECTED', () => dialing);
    await withPair({ server: { subprotocols: ['b'] }, client: { subprotocols: ['a'] }, dial: { subprotocols: ['b'] } }, ({ client }) => equal(client.subprotocol, 'b'));
  },

  async 'row_17 user and password of the URL are Basic authorization'() {
    await withPair({ url: 'ws://Aladdin:open%20sesame@example.com/' }, ({ server }) => {
      equal(server.request.headers.find(([name]) => name === 'authorization')?.[1], 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
      equal(server.request.host, 'example.com');
    });
    await withPair({}, ({ server }) => equal(server.request.headers.some(([name]) => name === 'authorization'), false));
  },

  async 'row_18 dial needs no dialer'() {
    const [near, far] = streams();
    const [client, server] = await Promise.all([dial('http://example.com:8080/', { connect: () => near, subprotocols: ['a'] }), new Upgrader().accept(far)]);
    equal([server.request.host, server.request.subprotocols], ['example.com:8080', ['a']]);
    client.abort();
  },

  async 'row_19 a client handshakes over a stream that is there already'() {
    await withPair({ cut: 1 }, async ({ client, server }) => {
      client.send('byte by byte');
      equal(await server.receive(), 'byte by byte');
    });
  },

  async 'row_20 letting in every origin is a visible choice'() {
    const { head } = await answer(request({ Origin: 'Origin: https://elsewhere.example' }), { origins: 'any' });
    ensure(head.startsWith('HTTP/1.1 101 '), head);
    throws(UsageError, 'INVALID_OPTION', () => new Upgrader({ origins: ['*'] }));
  },

  'row_21 requests tell whether they ask for a WebSocket, and which subprotocols'() {
    const upgrade = { method: 'GET', url: '/', httpVersion: '1.1', rawHeaders: ['Host', 'a', 'CONNECTION', 'keep-alive, Upgrade', 'Upgrade', 'WebSocket', 'Sec-WebSocket-Protocol', 'a, b', 'Sec-WebSocket-Protocol', 'c'] };
    equal(isWebSocketUpgrade(upgrade), true);
    equal(subprotocols(upgrade), ['a', 'b', 'c']);
    const plain = { ...upgrade, rawHeaders: ['Host', 'a', 'Connection', 'keep-alive'] };
    equal(isWebSocketUpgrade(plain), false);
    equal(subprotocols(plain), []);
    // Pages may not set these fields, servers may.
    const web = new Request('http://a/', { headers: { 'Sec-WebSocket-Protocol': 'x, y', Upgrade: 'websocket', Connection: 'Upgrade' } });
    if (web.headers.has('upgrade')) equal([isWebSocketUpgrade(web), subprotocols(web)], [true, ['x', 'y']]);
    equal(isWebSocketUpgrade(new Request('http://a/')), false);
  },

  'row_35 the constants have the numbers of the registry'() {
    equal(CloseCode.NORMAL, 1000);
    equal(Object.values(CloseCode).sort(), [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015]);
    throws(TypeError, undefined, () => {
      'use strict';
      CloseCode.NORMAL = 5;
    });
  },

  async 'row_38 a connection knows its addresses and what it runs over'() {
    await withPair({}, ({ client, near }) => {
      equal(client.socket === near || client.socket === near.socket, true);
      equal([client.localAddress, client.remoteAddress], [null, null]);
    });
  },
};
