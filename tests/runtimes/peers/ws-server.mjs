// A server of the package ws, which answers by path.
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

import { noise } from '../suite/harness.mjs';
import { WebSocketServer } from './ws.mjs';

/** How much `/flood` has sent, by name. */
const sent = new Map();

const paths = {
  '/echo': (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),

  '/fragments': (socket) => socket.on('message', (data, isBinary) => {
    for (let at = 0; at === 0 || at < data.length; at += 1000) {
      socket.send(data.subarray(at, at + 1000), { binary: isBinary, fin: at + 1000 >= data.length });
      socket.ping(`at ${at}`);
    }
  }),

  '/ping': (socket) => {
    socket.on('message', (data) => socket.ping(data));
    socket.on('pong', (data) => socket.send(`pong ${data}`));
  },

  '/asked': (socket, request) => socket.send(JSON.stringify({ headers: request.headers, url: request.url, subprotocol: socket.protocol, extensions: socket.extensions })),

  '/close': (socket) => socket.on('message', (data) => {
    const { code, reason } = JSON.parse(data);
    socket.close(code, reason);
  }),

  '/silent': (socket) => socket.pause(),

  // Reads again after a while, and tells how much came.
  '/late': (socket) => {
    let sum = 0;
    socket.pause();
    setTimeout(() => socket.resume(), 500);
    socket.on('message', (data) => {
      sum += data.length;
      if (data.toString() === 'how much?') socket.send(String(sum - data.length));
    });
  },

  '/flood': (socket, request, query) => {
    const id = query.get('id');
    const data = noise(65_536);
    let count = 0;
    const next = () => {
      if (count === FLOOD || socket.readyState !== socket.OPEN) return;
      count += 1;
      socket.send(data, () => {
        sent.set(id, count);
        next();
      });
    };
    next();
  },

  '/flooded': (socket, request, query) => socket.send(String(sent.get(query.get('id')) ?? 0)),

  '/half': (socket) => socket.on('message', () => {
    socket._socket.write(Buffer.from('827e04000102', 'hex'));
    setTimeout(() => socket._socket.destroy(), 30);
  }),

  '/drop': (socket) => socket.on('message', () => socket.terminate()),
};

/** Messages of 64 KiB in a flood. */
export const FLOOD = 1000;

/** How connections with a name were seen to end. */
const ends = new Map();

/** Starts one, with TLS where there is a certificate. Returns its URL, and what ends it. */
export async function startServer(tls = null) {
  const http = tls ? createTlsServer({ cert: tls.certificate, key: tls.key, ALPNProtocols: ['http/1.1'] }) : createServer();
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: { threshold: 0 },
    maxPayload: 64 << 20,
    handleProtocols: (offered) => ['chat.v2', 'chat.v3'].find((name) => offered.has(name)) ?? false,
  });
  server.on('headers', (headers) => headers.push('X-Server: ws', 'Set-Cookie: seen=1; Path=/', 'Set-Cookie: twice=2; Path=/'));
  const sockets = new Set();
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  http.on('upgrade', (request, socket, head) => {
    const { pathname, searchParams: query } = new URL(request.url, 'http://localhost');
    const refuse = (line, body = '', fields = '') => socket.end(`HTTP/1.1 ${line}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n${fields}\r\n${body}`);
    if (pathname === '/refuse') return refuse('403 Forbidden', 'stay out', 'X-Why: because\r\n');
    if (pathname === '/redirect') return refuse('302 Found', '', `Location: ${query.get('to')}\r\nSet-Cookie: hop=1\r\n`);
    if (pathname === '/hang') return undefined;
    if (pathname === '/garbage') return socket.end('SSH-2.0-OpenSSH_9.9\r\n');
    if (pathname === '/vanish') return socket.destroy();
    return server.handleUpgrade(request, socket, head, (opened) => {
      opened.on('error', () => {});
      const id = query.get('id');
      if (id) opened.on('close', (code, reason) => ends.set(id, { code, reason: reason.toString() }));
      if (pathname === '/end-of') opened.send(JSON.stringify(ends.get(query.get('of')) ?? null));
      else (paths[pathname] ?? paths['/echo'])(opened, request, query);
    });
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address();
  return {
    url: `${tls ? 'wss://localhost' : 'ws://127.0.0.1'}:${port}`,
    stop() {
      http.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
