import { address } from './node-duplex.js';
import { PumpTransport } from './pump.js';

const MIN_READ = 4096;
const MAX_READ = 65_536;

/**
 * A transport over a `Deno.Conn`, without its web streams, which take several times as long for small messages.
 * @param {object} conn
 */
export function denoTransport(conn) {
  conn.setNoDelay?.(true);
  let size = MIN_READ;
  let slab = null;
  let offset = 0;
  return new PumpTransport({
    isOwned: true,
    localAddress: addressOf(conn.localAddr),
    remoteAddress: addressOf(conn.remoteAddr),
    socket: conn,
    async read() {
      if (slab === null) {
        slab = new Uint8Array(size);
        offset = 0;
      }
      const room = offset === 0 ? slab : slab.subarray(offset);
      const length = await conn.read(room);
      if (length === null) return null;
      const chunk = room.subarray(0, length);
      offset += length;
      // An idle connection keeps a small buffer.
      if (length === room.length) size = Math.min(size * 4, MAX_READ);
      else if (length < size / 8) size = Math.max(size / 2, MIN_READ);
      // The rest is for what comes next: the chunk is not read into again.
      if (offset > slab.length / 2 || slab.length > size) slab = null;
      return chunk;
    },
    async write(chunk) {
      let written = await conn.write(chunk);
      while (written < chunk.length) written += await conn.write(chunk.subarray(written));
    },
    end: () => conn.closeWrite(),
    destroy() {
      try {
        conn.close();
      } catch {
        // It is closed already.
      }
    },
  });
}

/**
 * Connects with `Deno.connect` or `Deno.connectTls`.
 * @param {import('../index.js').Target} target
 */
export async function connect({ hostname, port, secure, signal, tls }) {
  signal.throwIfAborted();
  const { Deno } = globalThis;
  const connecting = secure
    ? Deno.connectTls({ ...tls, hostname, port, alpnProtocols: ['http/1.1'] })
    : Deno.connect({ hostname, port, signal });
  return untilAborted(signal, connecting, async (conn) => {
    // Otherwise an error of TLS would be one of the first read.
    await conn.handshake?.();
    return conn;
  });
}

/** What a connection leads to. An abort rejects at once, and closes it whenever it comes. */
export function untilAborted(signal, connecting, prepare) {
  return new Promise((resolve, reject) => {
    let conn = null;
    const close = () => {
      try {
        conn?.close();
      } catch {
        // It is closed already.
      }
    };
    const abort = () => {
      close();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    connecting
      .then((opened) => {
        conn = opened;
        if (!signal.aborted) return prepare(conn);
        return close();
      })
      .then(resolve, (error) => {
        close();
        reject(error);
      })
      .finally(() => signal.removeEventListener('abort', abort));
  });
}

function addressOf(addr) {
  return addr?.path ?? address(addr?.hostname, addr?.port);
}
