import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { test } from 'node:test';
import * as tls from 'node:tls';

import { connect as connectDirectly } from '../../../crates/sockeye-js/npm/src/adapters/node.js';
import { throughProxy } from '../../../crates/sockeye-js/npm/src/proxy.js';
import { environmentRules, parseAddress, parseProxy } from '../../../crates/sockeye-js/npm/src/proxy/rules.js';
import { hostOf, parseUrl } from '../../../crates/sockeye-js/npm/src/url.js';
import { cert, key } from './certificate.mjs';

const ALL = { HTTP_PROXY: 'http://h:1', HTTPS_PROXY: 'http://s:2', ALL_PROXY: 'socks5://a:3' };

function targetOf(text) {
  const { url } = parseUrl(text);
  const secure = url.protocol === 'https:';
  return { secure, hostname: hostOf(url), port: Number(url.port) || (secure ? 443 : 80) };
}

/** The proxy for a URL with these variables, without its password. */
function proxyFor(variables, url) {
  const found = environmentRules(variables)(targetOf(url));
  return found && named(found.proxy);
}

function named(proxy) {
  return typeof proxy === 'string' ? proxy : `${proxy.scheme}://${proxy.hostname}:${proxy.port}`;
}

test('row 12: each scheme has its variable', () => {
  const plain = (variables) => proxyFor(variables, 'ws://example.com/');
  const secure = (variables) => proxyFor(variables, 'wss://example.com/');
  assert.equal(plain(ALL), 'http://h:1');
  assert.equal(secure(ALL), 'http://s:2');
  assert.equal(plain({ ...ALL, HTTP_PROXY: undefined }), 'socks5://a:3');
  assert.equal(secure({ HTTP_PROXY: 'http://h:1' }), null);
  assert.equal(plain({}), null);
  assert.equal(plain({ HTTP_PROXY: '', http_proxy: 'l' }), 'http://l:80');
  assert.equal(plain({ http_proxy: 'l', HTTP_PROXY: 'u' }), 'http://u:80');
  assert.equal(secure({ https_proxy: 'l:9' }), 'http://l:9');
  assert.equal(secure({ all_proxy: 'socks5h://[::1]' }), 'socks5h://::1:1080');
});

test('CGI programs take no proxy from a request', () => {
  const cgi = (name) => proxyFor({ REQUEST_METHOD: 'GET', [name]: 'http://evil:1' }, 'ws://example.com/');
  assert.equal(cgi('HTTP_PROXY'), null);
  assert.equal(cgi('http_proxy'), 'http://evil:1');
  assert.equal(cgi('ALL_PROXY'), 'http://evil:1');
});

test('the local host is never behind a proxy of the environment', () => {
  for (const host of ['localhost', 'a.localhost', 'LOCALHOST.', '127.0.0.1', '127.9.9.9', '[::1]']) {
    assert.equal(proxyFor(ALL, `ws://${host}:8080/`), null, host);
  }
  assert.equal(proxyFor(ALL, 'ws://localhost.example/'), 'http://h:1');
});

test('NO_PROXY excepts names, addresses, networks and ports', () => {
  for (const [list, url, isExcepted] of [
    ['example.com', 'ws://example.com/', true],
    ['EXAMPLE.com.', 'ws://a.example.com/', true],
    ['example.com', 'ws://notexample.com/', false],
    ['.example.com', 'ws://a.example.com/', true],
    ['.example.com', 'ws://example.com/', true],
    ['*.example.com', 'ws://a.example.com/', true],
    ['a, example.com', 'ws://example.com./', true],
    ['a example.com', 'ws://example.com/', true],
    ['example.com:8080', 'ws://example.com:8080/', true],
    ['example.com:8080', 'ws://example.com/', false],
    ['example.com:443', 'wss://example.com/', true],
    ['*', 'ws://example.com/', true],
    ['*:81', 'ws://example.com/', false],
    [',', 'ws://example.com/', false],
    ['com', 'ws://example.com/', true],
    ['192.0.2.1', 'ws://192.0.2.1/', true],
    ['192.0.2.1:81', 'ws://192.0.2.1/', false],
    ['192.0.2.0/24', 'ws://192.0.2.77/', true],
    ['192.0.2.0/24', 'ws://192.0.3.77/', false],
    ['192.0.2.0/24:81', 'ws://192.0.2.77:81/', true],
    ['0.0.0.0/0', 'ws://192.0.3.77/', true],
    ['0.0.0.0/0', 'ws://example.com/', false],
    ['192.0.2.0/24', 'ws://[::ffff:192.0.2.7]/', true],
    ['2001:db8::/32', 'ws://[2001:db8::1]/', true],
    ['[2001:db8::1]:80', 'ws://[2001:db8::1]/', true],
    ['[2001:db8::1]:81', 'ws://[2001:db8::1]/', false],
    ['2001:db8::1', 'ws://[2001:db8::2]/', false],
  ]) {
    assert.equal(proxyFor({ ALL_PROXY: 'http://p', NO_PROXY: list }, url) === null, isExcepted, `${list} ${url}`);
  }
  assert.equal(proxyFor({ ALL_PROXY: 'http://p', no_proxy: 'a' }, 'ws://a/'), null);
});

test('addresses are read as bytes, and names are none', () => {
  assert.deepEqual(parseAddress('192.0.2.1'), [192, 0, 2, 1]);
  assert.deepEqual(parseAddress('::1'), [...Array(15).fill(0), 1]);
  assert.deepEqual(parseAddress('2001:db8::a:0:b'), [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0xa, 0, 0, 0, 0xb]);
  for (const text of ['', '1', '1.2.3', '1.2.3.256', '01.2.3.4', 'a.b.c.d', ':', ':::', '1:2', '::1]', 'example.com']) assert.equal(parseAddress(text), null, text);
});

test('a port that is written is not taken for none', () => {
  for (const [url, name] of [
    ['http://p:443', 'http://p:443'],
    ['http://p:443/', 'http://p:443'],
    ['socks5://u:p@[::1]:443', 'socks5://::1:443'],
    ['http://p', 'http://p:80'],
    ['HTTPS://p', 'https://p:443'],
  ]) {
    assert.equal(named(parseProxy(url)), name);
  }
});

test('a proxy that is not understood is an error without its password', async () => {
  for (const [value, reason] of [
    ['socks4://u:secret@h', 'its scheme is not http, https, socks5 or socks5h'],
    ['http://u:secret@h:99999', 'it is not a URL such as http://proxy.example:8080'],
    ['http://u:secret@', 'it is not a URL such as http://proxy.example:8080'],
  ]) {
    assert.throws(() => throughProxy(value), { code: 'INVALID_PROXY', message: `the proxy URL is not a proxy: ${reason}` });
    const connect = throughProxy('environment', { variables: { ALL_PROXY: value }, connect: connectDirectly });
    await assert.rejects(connect(targetOf('ws://example.com/')), { code: 'INVALID_PROXY', message: `ALL_PROXY is not a proxy: ${reason}` });
  }
});

/** A proxy that answers as told, then passes bytes on to `to`; it remembers what it was asked. */
async function fakeProxy(t, { answers, to, secure = false }) {
  const asked = [];
  const sockets = new Set();
  const onSocket = (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const left = [...answers];
    const onData = (chunk) => {
      asked.push(chunk.toString('latin1'));
      const answer = left.shift();
      if (answer === null) return socket.destroy();
      if (answer === undefined) return undefined;
      socket.write(Buffer.from(answer, 'latin1'));
      if (left.length > 0 || !to) return undefined;
      socket.off('data', onData);
      const server = net.connect(to, '127.0.0.1');
      sockets.add(server);
      server.on('error', () => {});
      return socket.pipe(server).pipe(socket);
    };
    socket.on('data', onData);
  };
  const server = secure ? tls.createServer({ cert, key }, onSocket) : net.createServer(onSocket);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { asked, sockets, port: server.address().port };
}

/** A server that sends back what it gets, over TLS when asked. Tells the ALPN protocols and names that it saw. */
async function echoServer(t, secure) {
  const seen = [];
  const sockets = new Set();
  const onSocket = (socket) => {
    sockets.add(socket);
    seen.push([socket.servername, socket.alpnProtocol]);
    socket.on('error', () => {});
    socket.pipe(socket);
  };
  const server = secure ? tls.createServer({ cert, key, ALPNProtocols: ['h2', 'http/1.1'] }, onSocket) : net.createServer(onSocket);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { seen, port: server.address().port };
}

function dial(url, target, options = {}) {
  const signal = target.signal ?? new AbortController().signal;
  return throughProxy(url, { connect: connectDirectly, tls: { ca: cert }, ...options })({ tls: { ca: cert }, ...target, signal });
}

async function echo(socket) {
  socket.write('hello');
  const [chunk] = await once(socket, 'data');
  socket.destroy();
  return chunk.toString();
}

const PLAIN = { hostname: 'server.example', port: 8080, secure: false };
const SECURE = { hostname: 'server.example', port: 8443, secure: true };
/** RFC 1928 §6: succeeded, bound to 1.2.3.4:5. */
const CONNECTED = '\x05\0\0\x01\x01\x02\x03\x04\0\x05';

for (const target of [PLAIN, SECURE]) {
  const kind = target.secure ? 'wss' : 'ws';
  for (const secure of [false, true]) {
    const scheme = secure ? 'https' : 'http';
    test(`row 12: ${kind} goes through an ${scheme} proxy`, async (t) => {
      const server = await echoServer(t, target.secure);
      const proxy = await fakeProxy(t, { answers: ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\nContent-Length: 5\r\n\r\n'], to: server.port, secure });
      const socket = await dial(`${scheme}://Aladdin:open%20sesame@localhost:${proxy.port}`, target);
      assert.equal(await echo(socket), 'hello');
      const host = `server.example:${target.port}`;
      // RFC 7617 §2 has these credentials.
      assert.deepEqual(proxy.asked, [`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n`]);
      if (target.secure) assert.deepEqual(server.seen, [['server.example', 'http/1.1']]);
    });
  }

  test(`row 12: ${kind} goes through a SOCKS5 proxy that looks names up`, async (t) => {
    const server = await echoServer(t, target.secure);
    const proxy = await fakeProxy(t, { answers: ['\x05\x02', '\x01\0', CONNECTED], to: server.port });
    const socket = await dial(`socks5h://us%C3%A9r:p%20w@127.0.0.1:${proxy.port}`, target);
    assert.equal(await echo(socket), 'hello');
    const port = target.secure ? '\x20\xfb' : '\x1f\x90';
    assert.deepEqual(proxy.asked, ['\x05\x02\0\x02', '\x01\x05us\xc3\xa9r\x03p w', `\x05\x01\0\x03\x0eserver.example${port}`]);
  });
}

test('row 12: SOCKS5 without remote lookups is given an address', async (t) => {
  const server = await echoServer(t, false);
  const proxy = await fakeProxy(t, { answers: ['\x05\0', CONNECTED], to: server.port });
  const address = async (hostname) => {
    const socket = await dial(`socks5://127.0.0.1:${proxy.port}`, { ...PLAIN, hostname });
    assert.equal(await echo(socket), 'hello');
    return proxy.asked.splice(0).at(-1);
  };
  assert.equal(await address('192.0.2.1'), '\x05\x01\0\x01\xc0\0\x02\x01\x1f\x90');
  assert.equal(await address('2001:db8::1'), `\x05\x01\0\x04\x20\x01\x0d\xb8${'\0'.repeat(11)}\x01\x1f\x90`);
  assert.match(await address('localhost'), /^\x05\x01\0[\x01\x04]/);
});

test('an IPv6 address has brackets for an HTTP proxy', async (t) => {
  const proxy = await fakeProxy(t, { answers: ['HTTP/1.0 200\r\n\r\n'] });
  const socket = await dial(`127.0.0.1:${proxy.port}`, { ...PLAIN, hostname: '2001:db8::1' });
  socket.destroy();
  assert.deepEqual(proxy.asked, ['CONNECT [2001:db8::1]:8080 HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n']);
});

test('whatever a proxy answers wrongly is an error with a code', async (t) => {
  for (const [scheme, answers, code] of [
    ['http', ['HTTP/1.1 407 No\r\n\r\n'], 'PROXY_AUTHENTICATION_REQUIRED'],
    ['http://u:p@', ['HTTP/1.1 407 No\r\n\r\n'], 'PROXY_AUTHENTICATION_REFUSED'],
    ['http', ['HTTP/1.1 403 No\r\n\r\n'], 'PROXY_REFUSED'],
    ['http', ['HTTP/1.1 200 OK\r\n\r\nhello'], 'PROXY_UNEXPECTED_BYTES'],
    ['http', ['SSH-2.0-x'], 'NOT_A_PROXY'],
    ['http', ['HTTP/2 200\r\n\r\n'], 'NOT_A_PROXY'],
    ['http', ['HTTP/1.1 OK\r\n\r\n'], 'NOT_A_PROXY'],
    ['http', [`HTTP/1.1 200 OK\r\nA: ${'a'.repeat(16_384)}`], 'PROXY_RESPONSE_TOO_LONG'],
    ['http', [null], 'PROXY_CLOSED'],
    ['socks5h', ['\x05\xff'], 'PROXY_AUTHENTICATION_REQUIRED'],
    ['socks5h://u:p@', ['\x05\xff'], 'PROXY_AUTHENTICATION_REFUSED'],
    ['socks5h://u:p@', ['\x05\x02', '\x01\x01'], 'PROXY_AUTHENTICATION_REFUSED'],
    ['socks5h://u:p@', ['\x05\x02', '\x05\0'], 'NOT_A_PROXY'],
    ['socks5h://u@', ['\x05\x02'], 'PROXY_TOO_LONG'],
    ['socks5h', ['\x05\x02'], 'NOT_A_PROXY'],
    ['socks5h', ['HTTP/1.1 400 Bad\r\n\r\n'], 'NOT_A_PROXY'],
    ['socks5h', ['\x05\0', '\x05\x05\0\x01'], 'PROXY_REFUSED'],
    ['socks5h', ['\x05\0', '\x05\0\0\x02'], 'NOT_A_PROXY'],
    ['socks5h', ['\x05\0', `${CONNECTED}hello`], 'PROXY_UNEXPECTED_BYTES'],
    ['socks5h', ['\x05\0', null], 'PROXY_CLOSED'],
  ]) {
    const proxy = await fakeProxy(t, { answers });
    const url = `${scheme.includes(':') ? scheme : `${scheme}://`}127.0.0.1:${proxy.port}`;
    await assert.rejects(dial(url, PLAIN), { code }, `${scheme} ${answers}`.slice(0, 60));
  }
});

test('a proxy that cannot be reached is an error with its cause', async (t) => {
  const { port } = await fakeProxy(t, { answers: [] });
  const closed = net.createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const free = closed.address().port;
  closed.close();
  await once(closed, 'close');
  assert.notEqual(free, port);
  await assert.rejects(dial(`http://127.0.0.1:${free}`, PLAIN), (error) => error.code === 'PROXY_UNREACHABLE' && error.cause.code === 'ECONNREFUSED');
});

test('an abort ends what was begun, with its reason', async (t) => {
  const proxy = await fakeProxy(t, { answers: [] });
  const controller = new AbortController();
  const dialled = dial(`http://127.0.0.1:${proxy.port}`, { ...PLAIN, signal: controller.signal });
  while (proxy.asked.length === 0) await new Promise(setImmediate);
  const [socket] = proxy.sockets;
  const closed = once(socket, 'close');
  const reason = new Error('enough');
  controller.abort(reason);
  await assert.rejects(dialled, reason);
  await closed;
});

test('an untrusted certificate behind a proxy is refused', async (t) => {
  const server = await echoServer(t, true);
  const proxy = await fakeProxy(t, { answers: ['HTTP/1.1 200 OK\r\n\r\n'], to: server.port });
  await assert.rejects(dial(`http://127.0.0.1:${proxy.port}`, { ...SECURE, tls: undefined }), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
});

test('hosts that are excepted are dialled directly', async (t) => {
  const server = await echoServer(t, false);
  const socket = await dial('http://127.0.0.1:1', { ...PLAIN, hostname: '127.0.0.1', port: server.port }, { except: '127.0.0.0/8' });
  assert.equal(await echo(socket), 'hello');
});
