import { untilAborted } from '../abort.js';
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
    destroy: () => close(conn),
  });
}

/**
 * Connects with `Deno.connect` or `Deno.connectTls`.
 * @param {import('../index.js').Target} target
 */
export async function connect({ hostname, port, secure, signal, tls }) {
  signal.throwIfAborted();
  const { Deno } = globalThis;
  if (secure) return shaken(Deno.connectTls({ ...tls, hostname, port, alpnProtocols: ['http/1.1'] }), signal);
  return untilAborted(signal, Deno.connect({ hostname, port, signal }), close);
}

/** Waits until TLS is spoken: otherwise its errors would be those of the first read. */
export async function shaken(connecting, signal) {
  const conn = await untilAborted(signal, connecting, close);
  try {
    await untilAborted(signal, conn.handshake());
    return conn;
  } catch (error) {
    close(conn);
    throw error;
  }
}

function close(conn) {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
}

function addressOf(addr) {
  return addr?.path ?? address(addr?.hostname, addr?.port);
}
