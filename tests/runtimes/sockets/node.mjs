// What only Node has: sockets of node:net and node:http, proxies, tough-cookie.
import { createServer } from 'node:http';
import { createServer as createPlainServer, connect } from 'node:net';
import { Duplex } from 'node:stream';

import { Dialer, HandshakeError, Upgrader, dial, isWebSocketUpgrade, subprotocols } from 'sockeye';

import { ProxyError, throughProxy } from 'sockeye/proxy';

import { ensure, equal, fails, noise, prose, within } from '../suite/harness.mjs';

/** A server on node:http. `use` gets its URL, its connections, and what upgrades failed with. */
async function withServer(options, use) {
  const upgrader = new Upgrader(options);
  const http = createServer((request, response) => response.end('a page'));
  const conns = [];
  const waiting = [];
  const errors = [];
  http.on('upgrade', async (request, socket, head) => {
    try {
      const conn = await upgrader.upgrade(request, socket, head);
      conns.push(conn);
      waiting.shift()?.(conn);
    } catch (error) {
      errors.push(error);
    }
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  const next = () => (conns.length > 0 ? Promise.resolve(conns.shift()) : new Promise((resolve) => waiting.push((conn) => resolve(conns.splice(conns.indexOf(conn), 1)[0]))));
  try {
    return await use({ url: `ws://127.0.0.1:${http.address().port}`, port: http.address().port, next, errors, http });
  } finally {
    http.close();
    http.closeAllConnections();
  }
}

/** A server on node:net; `serve` gets each socket. */
async function withListener(serve, use) {
  const sockets = new Set();
  const server = createPlainServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(server.address().port);
  } finally {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
}

const node = {
  async 'row_01 node:http gives request, socket and head'() {
    await withServer({ subprotocols: ['a'] }, async ({ url, next }) => {
      const client = await dial(`${url}/room?x=1`, { subprotocols: ['a'], headers: { 'X-One': '1' } });
      const server = await next();
      equal([server.request.target, server.subprotocol, server.role], ['/room?x=1', 'a', 'server']);
      equal(server.request.headers.find(([name]) => name === 'x-one')?.[1], '1');
      client.send(prose(100_000));
      equal(await server.receive(), prose(100_000));
      server.send(noise(300_000));
      equal(await client.receive(), noise(300_000));
      equal((await client.close(1000)).clean, true);
      equal(await server.receive(), null);
    });
  },

  async 'row_01 a request that breaks a rule is answered by upgrade, and the socket is ended'() {
    await withServer({}, async ({ port, errors }) => {
      const socket = connect(port, '127.0.0.1');
      const chunks = [];
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 7\r\n\r\n');
      await within(5, new Promise((resolve) => socket.on('close', resolve)));
      const head = Buffer.concat(chunks).toString();
      ensure(head.startsWith('HTTP/1.1 426 ') && /Sec-WebSocket-Version: 13\r\n/i.test(head), head);
      equal(errors.length, 1);
      ensure(errors[0] instanceof HandshakeError && errors[0].status === 426, String(errors[0]));
    });
  },

  async 'row_01 frames that came behind the request are not lost'() {
    await withServer({}, async ({ port, next }) => {
      const socket = connect(port, '127.0.0.1');
      const head = 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
      socket.write(Buffer.concat([Buffer.from(head), Buffer.from('818537fa213d7f9f4d5158', 'hex')]));
      equal(await (await next()).receive(), 'Hello');
      socket.destroy();
    });
  },

  async 'row_11 a socket of the application\'s own is dialled over'() {
    await withServer({}, async ({ url, port, next }) => {
      const socket = connect(port, '127.0.0.1');
      const client = await new Dialer().dialStream(socket, url);
      equal(client.socket, socket);
      client.send('over my own');
      equal(await (await next()).receive(), 'over my own');
      client.abort();
    });
  },

  async 'row_19 any Duplex will do'() {
    const sides = [0, 1].map(() => new Duplex({
      read() {},
      write(chunk, encoding, done) {
        this.other.push(Buffer.from(chunk));
        done();
      },
      final(done) {
        this.other.push(null);
        done();
      },
    }));
    [sides[0].other, sides[1].other] = [sides[1], sides[0]];
    const [client, server] = await Promise.all([new Dialer().dialStream(sides[0], 'ws://a/'), new Upgrader().accept(sides[1])]);
    client.send(noise(200_000));
    equal(await server.receive(), noise(200_000));
    server.send('back');
    equal(await client.receive(), 'back');
    equal((await client.close(1000)).clean, true);
  },

  async 'row_21 requests of node:http and of fetch tell what they ask for'() {
    await withServer({}, async ({ http, url }) => {
      const asked = new Promise((resolve) => http.prependOnceListener('upgrade', (request) => resolve([isWebSocketUpgrade(request), subprotocols(request)])));
      const conn = await dial(url, { subprotocols: ['x', 'y'] });
      equal(await asked, [true, ['x', 'y']]);
      conn.abort();
      const plain = new Promise((resolve) => http.prependOnceListener('request', (request) => resolve(isWebSocketUpgrade(request))));
      await fetch(url.replace('ws:', 'http:'));
      equal(await plain, false);
    });
    const request = new Request('http://a/', { headers: { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': 'x, y' } });
    equal([isWebSocketUpgrade(request), subprotocols(request)], [true, ['x', 'y']]);
  },

  async 'row_28 a bound on writing is a race with the promise of send'() {
    await withListener(async (socket) => {
      await new Upgrader({ limits: { receiveBuffer: 1000 } }).accept(socket);
    }, async (port) => {
      const conn = await dial(`ws://127.0.0.1:${port}/`, { limits: { sendBuffer: 65_536 } });
      let isHeldUp = false;
      for (let at = 0; at < 2000 && !isHeldUp; at += 1) {
        isHeldUp = await Promise.race([conn.send(noise(65_536)).then(() => false), new Promise((resolve) => setTimeout(() => resolve(true), 500))]);
      }
      ensure(isHeldUp, 'sending is held up');
      equal(conn.state, 'open');
      conn.abort();
    });
  },

  async 'row_38 addresses and the socket are those of the connection'() {
    await withServer({}, async ({ url, port, next }) => {
      const client = await dial(url);
      const server = await next();
      ensure(client.remoteAddress.includes('127.0.0.1') && client.remoteAddress.includes(String(port)), client.remoteAddress);
      equal([server.remoteAddress, server.localAddress], [client.localAddress, client.remoteAddress]);
      equal([client.socket.remotePort, server.socket.localPort], [port, port]);
      client.abort();
    });
  },

  async 'sockets are closed when their connection has ended'() {
    await withServer({}, async ({ url, next }) => {
      const client = await dial(url);
      const server = await next();
      const closes = [client, server].map((conn) => new Promise((resolve) => conn.socket.on('close', resolve)));
      await client.close(1000);
      await within(5, Promise.all(closes));
    });
  },

  async 'a thousand connections leave no listener and no socket behind'() {
    const warnings = [];
    const warn = (warning) => warnings.push(warning.name);
    process.on('warning', warn);
    await withServer({}, async ({ url, next, http }) => {
      for (let at = 0; at < 1000; at += 25) {
        await Promise.all(Array.from({ length: 25 }, async () => {
          const client = await dial(url);
          const server = await next();
          server.send('x');
          equal(await client.receive(), 'x');
          await client.close(1000);
          await server.closed;
        }));
      }
      const count = () => new Promise((resolve, reject) => http.getConnections((error, number) => (error ? reject(error) : resolve(number))));
      for (let at = 0; at < 100 && (await count()) > 0; at += 1) await new Promise((resolve) => setTimeout(resolve, 20));
      equal(await count(), 0);
    });
    process.off('warning', warn);
    equal(warnings, []);
  },
};

/** A proxy of HTTP that asks for user and password. `asked` lists what it was asked. */
const httpProxy = (asked) => (socket) => {
  socket.once('data', (chunk) => {
    const head = chunk.toString('latin1');
    asked.push(head.split('\r\n')[0]);
    if (!head.includes(`Proxy-Authorization: Basic ${btoa('me:secret')}\r\n`)) return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
    const { hostname, port } = new URL(`http://${head.split(' ')[1]}`);
    return tunnel(socket, hostname, Number(port), 'HTTP/1.1 200 OK\r\n\r\n');
  });
};

/** A proxy of SOCKS5 (RFC 1928) that looks names up itself. */
const socksProxy = (asked) => (socket) => {
  socket.once('data', () => {
    socket.write(Uint8Array.of(5, 0));
    socket.once('data', (chunk) => {
      const length = chunk[4];
      const name = chunk[3] === 1 ? chunk.subarray(4, 8).join('.') : chunk.toString('latin1', 5, 5 + length);
      asked.push(`${chunk[3] === 1 ? 'address' : 'name'} ${name}`);
      tunnel(socket, '127.0.0.1', chunk.readUInt16BE(chunk.length - 2), Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
    });
  });
};

function tunnel(socket, hostname, port, answer) {
  const onward = connect(port, hostname, () => {
    socket.write(answer);
    socket.pipe(onward).pipe(socket);
  });
  onward.on('error', () => socket.destroy());
  socket.on('close', () => onward.destroy());
}

/** Sends a message through, and back. */
async function ask(url, proxy, options) {
  const client = await dial(url, { connect: throughProxy(proxy, options) });
  client.send('through');
  return client;
}

const proxies = {
  async 'row_12 a proxy of HTTP is asked to connect, with user and password'() {
    await withServer({}, async ({ url, port, next }) => {
      const asked = [];
      await withListener(httpProxy(asked), async (proxy) => {
        const client = await ask(url, `http://me:secret@127.0.0.1:${proxy}`);
        equal(await (await next()).receive(), 'through');
        client.abort();
        equal(asked, [`CONNECT 127.0.0.1:${port} HTTP/1.1`]);
        await fails(ProxyError, 'PROXY_AUTHENTICATION_REQUIRED', () => dial(url, { connect: throughProxy(`http://127.0.0.1:${proxy}`) }));
      });
    });
  },

  async 'row_12 a SOCKS5 proxy is given the name'() {
    await withServer({}, async ({ port, next }) => {
      const asked = [];
      await withListener(socksProxy(asked), async (proxy) => {
        const client = await ask(`ws://somewhere.example:${port}/`, `socks5h://127.0.0.1:${proxy}`);
        equal(await (await next()).receive(), 'through');
        client.abort();
        equal(asked, ['name somewhere.example']);
      });
    });
  },

  async 'row_12 the environment names proxies, and the hosts they are not for'() {
    await withServer({}, async ({ port, next }) => {
      const asked = [];
      await withListener(httpProxy(asked), async (proxy) => {
        const variables = { HTTP_PROXY: `http://me:secret@127.0.0.1:${proxy}`, NO_PROXY: 'direct.example' };
        const isDirect = [];
        const connectTo = (target) => {
          isDirect.push(target.port !== proxy);
          return connect(target.port, '127.0.0.1');
        };
        const direct = await ask(`ws://direct.example:${port}/`, 'environment', { variables, connect: connectTo });
        equal(await (await next()).receive(), 'through');
        direct.abort();
        equal([isDirect, asked], [[true], []]);
        const here = await ask(`ws://127.0.0.1:${port}/`, 'environment', { variables });
        equal(await (await next()).receive(), 'through');
        here.abort();
        equal(asked, [], 'the local host is never dialled through a proxy of the environment');
      });
    });
  },
};

/** In Node alone. */
export const groups = { node, proxies };
