// What is built of connections, whatever they run over.

import { CloseError, refuse } from './errors.js';

/**
 * Sends what comes from one connection on the other, both ways, until both have ended. Waits for `send`, so that the slower side slows
 * the faster one.
 *
 * The code and reason of a Close frame are passed on. When one side ends without a Close frame the other is told 1001, and 1011 when it was
 * failed because it broke a rule or a timeout. A platform's WebSocket that refuses to send such a code sends 1000 in place of 1001, and the
 * code plus 3000 in place of any other. What one side sent before it ended is sent on for at most 30 seconds.
 *
 * @param {BasicConn} a
 * @param {BasicConn} b
 * @returns {Promise<void>} rejects only for what is not the end of a connection, such as a message that somebody else left unfinished;
 *   both are closed then, too
 */
export async function bridge(a, b) {
  if (a === b || typeof a?.receive !== 'function' || typeof b?.receive !== 'function') {
    refuse('a bridge needs two connections');
  }
  const [there, back] = await Promise.allSettled([pump(a, b), pump(b, a)]);
  await Promise.all([a.closed, b.closed]);
  for (const { reason } of [there, back]) if (reason) throw reason;
}

/** How long, in milliseconds, the rest of what came from a connection that has ended may take to be sent on. */
const REST = 30_000;

/** Moves messages until `from` has ended, then ends `to`. */
async function pump(from, to) {
  let timer = null;
  from.closed.then((close) => {
    if (timer === null) timer = setTimeout(() => passOn(close, to), REST);
  });
  try {
    for (let message = await from.receive(); message !== null; message = await from.receive()) {
      // What comes after the other side has ended has nowhere to go, but must be read for the Close frame behind it.
      if (to.state === 'open') await forward(message, to);
    }
  } catch (error) {
    if (!(error instanceof CloseError)) {
      await Promise.all([finish(from, 1011, ''), finish(to, 1011, '')]);
      throw error;
    }
  } finally {
    clearTimeout(timer);
    timer = undefined;
  }
  await passOn(await from.closed, to);
}

/** Tells one side how the other has ended. */
function passOn({ code, reason, initiator, error }, to) {
  if (error && initiator === 'local') return finish(to, 1011, '');
  if (code === 1006 || code === 1015) return finish(to, 1001, '');
  return finish(to, code, reason);
}

async function forward(message, to) {
  try {
    await to.send(message);
  } catch (error) {
    // It ended meanwhile; the other direction tells how.
    if (to.state === 'open') throw error;
  }
}

/** Closes a connection with this code, or what comes closest. */
async function finish(conn, code, reason) {
  if (code === 1005) return conn.close();
  for (const sent of [code, code === 1001 ? 1000 : code + 3000]) {
    try {
      return await conn.close(sent, reason);
    } catch {
      // Not a code that this platform sends.
    }
  }
  return conn.abort();
}

/**
 * Reads the messages of a connection as one byte stream. It ends when the connection was closed in order, and fails with the `CloseError`
 * of any other end. Cancelling it closes the connection.
 *
 * @param {BasicConn} conn
 * @param {string} [separator] what follows each message
 * @returns {ReadableStream<Uint8Array>}
 */
export function joinMessages(conn, separator = '') {
  const encoder = new TextEncoder();
  const end = encoder.encode(separator);
  return new ReadableStream({
    async pull(controller) {
      for (;;) {
        const message = await conn.receive();
        if (message === null) return controller.close();
        const bytes = typeof message === 'string' ? encoder.encode(message) : message;
        if (bytes.length > 0) controller.enqueue(bytes);
        if (end.length > 0) controller.enqueue(end.slice());
        // A stream that was given nothing does not ask again.
        if (bytes.length + end.length > 0) return;
      }
    },
    async cancel() {
      await conn.close();
    },
  }, { highWaterMark: 0 });
}
