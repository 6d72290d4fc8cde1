// What servers here do with a connection: its path says.
import { CloseError } from 'sockeye';

/** How the connections that have a name ended. */
const ends = new Map();

/** Serves a connection until it has ended. */
export async function answer(conn) {
  await serve(conn, conn.request.target, paths);
}

/** Serves a connection over the platform's own WebSocket. */
export async function answerBasic(conn, target) {
  await serve(conn, target, basic);
}

async function serve(conn, target, known) {
  const { pathname, searchParams } = new URL(target, 'http://localhost');
  const id = searchParams.get('id');
  try {
    await (known[pathname] ?? known['/echo'])(conn, id);
  } catch (error) {
    if (!(error instanceof CloseError)) console.error(`${pathname}: ${error?.stack ?? error}`);
  }
  const { code, reason, clean, initiator } = await conn.closed;
  if (id && pathname !== '/ended') ends.set(id, { code, reason, clean, initiator });
}

const basic = {
  /** Sends back what comes. */
  async '/echo'(conn) {
    for await (const message of conn) await conn.send(message);
  },

  /** Sends back what comes, all that a read brought at once. */
  async '/batch'(conn) {
    conn.onmessages = (messages) => {
      for (const message of messages) conn.send(message);
    };
    await conn.closed;
  },

  /** Closes as it is told. */
  async '/close'(conn) {
    const { code, reason } = await conn.receiveJson();
    await conn.close(code, reason);
  },

  /** Tells how the connection of this name ended. */
  async '/ended'(conn, id) {
    // Asked again and again: what is left by one request may be read by another, but not waited for everywhere.
    for (let at = 0; at < 500 && !ends.has(id); at += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    await conn.sendJson(ends.get(id) ?? null);
    await conn.receive();
  },

  /** Tells what was agreed on. */
  async '/agreed'(conn) {
    await conn.sendJson({ subprotocol: conn.subprotocol, extensions: conn.extensions, headers: Object.fromEntries(conn.request?.headers ?? []) });
    await conn.receive();
  },
};

const paths = {
  ...basic,

  /** Sends back what comes, as it comes. */
  async '/streams'(conn) {
    for (let message; (message = await conn.receiveStream()) !== null; ) {
      await message.readable.pipeTo(conn.sendStream(message.kind));
    }
  },

  /** Sends a Ping with what it is sent, and tells of the Pong. */
  async '/ping'(conn) {
    conn.onpong = (data) => conn.send(`pong ${new TextDecoder().decode(data)}`);
    for await (const message of conn) conn.ping(message);
  },

  /** Reads nothing for a while, then counts. */
  async '/late'(conn) {
    await new Promise((resolve) => setTimeout(resolve, 600));
    let sum = 0;
    for await (const message of conn) {
      if (message === 'how much?') conn.send(String(sum));
      else sum += message.length;
    }
  },
};
