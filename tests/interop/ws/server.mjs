// node server.mjs OPTIONS: a server with ws that answers by path, as `server.rs` does. It says where it listens, and ends with its input.
// OPTIONS is JSON: { cert, key } for TLS, `deflate`: false, true, or the parameters.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

import { WebSocketServer } from './ws.mjs';

const { cert, key, deflate } = JSON.parse(process.argv[2]);
const http = cert ? createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }) : createServer();
const server = new WebSocketServer({
  server: http,
  perMessageDeflate: deflate,
  maxPayload: 64 << 20,
  handleProtocols: (offered) => ['chat.v2', 'chat.v3'].find((name) => offered.has(name)) ?? false,
});

/** How the connections that have a name ended: promises, and what resolves them. */
const ends = new Map();
const endOf = (id) => {
  if (!ends.has(id)) {
    let resolve;
    const promise = new Promise((resolver) => (resolve = resolver));
    ends.set(id, { promise, resolve });
  }
  return ends.get(id);
};

const answers = {
  '/echo': (socket, data, isBinary) => socket.send(data, { binary: isBinary }),
  '/digest': (socket, data, isBinary) => {
    const hash = createHash('sha256').update(data).digest('hex');
    socket.send(`${isBinary ? 'binary' : 'text'} ${data.length} ${hash}`);
  },
  '/fragments': (socket, data, isBinary) => {
    for (let at = 0; at < data.length; at += 1000) {
      socket.send(data.subarray(at, at + 1000), { binary: isBinary, fin: at + 1000 >= data.length });
      socket.ping(`at ${at}`);
    }
  },
  '/ping': (socket, data) => socket.ping(data),
  '/close': (socket, data) => {
    const { code, reason } = JSON.parse(data);
    socket.close(code, reason);
  },
  '/agreed': (socket) => socket.send(JSON.stringify({ subprotocol: socket.protocol, extensions: socket.extensions })),
};

server.on('connection', (socket, request) => {
  const { pathname, searchParams: query } = new URL(request.url, 'http://localhost');
  socket.on('error', (error) => console.error(`${request.url}: ${error}`));
  socket.on('message', (data, isBinary) => answers[pathname]?.(socket, data, isBinary));
  if (pathname === '/ping') socket.on('pong', (data) => socket.send(`pong ${data}`));
  if (query.has('id') && pathname !== '/ended') {
    socket.on('close', (code, reason) => endOf(query.get('id')).resolve({ code, reason: reason.toString() }));
  }
  if (pathname === '/ended') endOf(query.get('id')).promise.then((end) => socket.send(JSON.stringify(end)));
});

http.listen(0, '127.0.0.1', () => console.log(`listening on ${http.address().port}`));
process.stdin.on('end', () => process.exit(0)).resume();
