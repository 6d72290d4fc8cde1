// A server on node:http: `/echo` sends messages back, `/broadcast` sends them to everybody who is there.

import { createServer } from 'node:http';

import { PreparedMessage, Upgrader } from 'sockeye';

const server = createServer((request, response) => {
  response.writeHead(426, { 'Content-Type': 'text/plain' });
  response.end('Connect a WebSocket to /echo or /broadcast.\n');
});

const upgrader = new Upgrader({
  deflate: true,
  onRequest({ target }) {
    if (target !== '/echo' && target !== '/broadcast') return { status: 404, body: 'There are /echo and /broadcast.\n' };
  },
});

server.on('upgrade', async (request, socket, head) => {
  try {
    const conn = await upgrader.upgrade(request, socket, head);
    await (request.url === '/echo' ? echo(conn) : broadcast(conn));
  } catch (error) {
    // One connection's trouble: the client has been told.
    console.error(error.message);
  }
});

async function echo(conn) {
  // Awaiting `send` reads no faster than the client takes the answers.
  for await (const message of conn) await conn.send(message);
}

const members = new Set();

/** Bytes that may wait for one member; who falls farther behind is let go, so that nobody waits for the slowest. */
const BEHIND = 4 << 20;

async function broadcast(conn) {
  members.add(conn);
  try {
    for await (const message of conn) {
      // Framed, and compressed, once for all.
      const prepared = new PreparedMessage(message);
      for (const member of members) {
        if (member.state !== 'open') continue;
        if (member.bufferedAmount > BEHIND) member.abort();
        else member.sendPrepared(prepared).catch(() => {});
      }
      prepared.free();
    }
  } finally {
    members.delete(conn);
  }
}

server.listen(process.env.PORT ?? 8080, '127.0.0.1', () => {
  const { port } = server.address();
  console.log(`listening on http://127.0.0.1:${port}`);
  console.log(`try: npx wscat --connect ws://127.0.0.1:${port}/echo, and several of them with /broadcast`);
});
