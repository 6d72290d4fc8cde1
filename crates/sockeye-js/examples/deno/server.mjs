// A server on Deno.listen that negotiates permessage-deflate, which Deno's own WebSockets do not.

import { Upgrader } from 'sockeye';

const upgrader = new Upgrader({ deflate: { level: 6, threshold: 0 } });

async function serve(socket) {
  try {
    const conn = await upgrader.accept(socket);
    await conn.send(`extensions: ${conn.extensions ?? 'none'}`);
    for await (const message of conn) await conn.send(message);
  } catch (error) {
    // One connection's trouble: the client has been told.
    console.error(error.message);
  }
}

const listener = Deno.listen({ hostname: '127.0.0.1', port: Number(Deno.env.get('PORT') ?? 8081) });
const { port } = listener.addr;
console.log(`listening on http://127.0.0.1:${port}`);
console.log(`try: a page at http://127.0.0.1 with new WebSocket('ws://127.0.0.1:${port}'); it tells what was negotiated, then echoes`);
for await (const socket of listener) serve(socket);
