// A backend for the worker to dial: it lets in who has the token, echoes, and tells what it saw when asked `what did you see?`.

import { createServer } from 'node:https';

import { Upgrader } from 'sockeye';

/**
 * @param {{ key: string, cert: string, token: string }} options
 * @returns {Promise<number>} its port, once it listens
 */
export function listen({ key, cert, token }) {
  const upgrader = new Upgrader({
    onRequest({ headers }) {
      if (!headers.some(([name, value]) => name === 'authorization' && value === `Bearer ${token}`)) return { status: 401, body: 'no token\n' };
    },
  });
  const server = createServer({ key, cert });
  server.on('upgrade', async (request, socket, head) => {
    try {
      await serve(await upgrader.upgrade(request, socket, head));
    } catch (error) {
      console.error(`backend: ${error.message}`);
    }
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

async function serve(conn) {
  const headers = Object.fromEntries(conn.request.headers);
  let pings = 0;
  conn.onping = () => (pings += 1);
  conn.onclose = ({ code }) => console.log(`backend: closed with ${code}`);
  for await (const message of conn) {
    if (message === 'what did you see?') await conn.sendJson({ headers, pings });
    else await conn.send(message);
  }
}
