import { PumpTransport } from './pump.js';

const MIN_READ = 4096;
const MAX_READ = 65_536;

/**
 * A transport over a pair of web streams, such as a socket of `cloudflare:sockets`. Locks both until it ends.
 * @param {import('../index.js').StreamPair} pair
 */
export function streamsTransport(pair) {
  const writer = pair.writable.getWriter();
  const [reader, isOwned] = readerOf(pair.readable, writer);
  for (const promise of [reader.closed, writer.closed, writer.ready, pair.closed]) promise?.catch?.(ignore);
  let size = MIN_READ;
  let isBroken = false;
  const source = {
    isOwned,
    localAddress: null,
    remoteAddress: null,
    socket: pair,
    async read() {
      const { value, done } = await reader.read(isOwned ? new Uint8Array(size) : undefined);
      if (done) return null;
      if (!ArrayBuffer.isView(value)) throw new TypeError('the readable stream gives something other than bytes');
      // An idle connection keeps a small buffer.
      if (value.byteLength === size) size = Math.min(size * 4, MAX_READ);
      else if (value.byteLength < size / 4) size = Math.max(size / 2, MIN_READ);
      return value instanceof Uint8Array ? value : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    },
    write: (chunk) => writer.write(chunk),
    end: () =>
      writer.close().catch((error) => {
        isBroken = true;
        throw error;
      }),
    destroy() {
      quietly(() => reader.cancel());
      // It is over by itself then, and workerd would report a rejection that nobody can catch.
      if (!isBroken) {
        quietly(() => writer.abort());
        quietly(() => pair.close?.());
      }
      quietly(() => reader.releaseLock());
      quietly(() => writer.releaseLock());
    },
  };
  pair.opened?.then?.((info) => {
    source.localAddress = info?.localAddress ?? null;
    source.remoteAddress = info?.remoteAddress ?? null;
  }, ignore);
  return new PumpTransport(source);
}

/** A reader into buffers of ours where the stream knows that, and whether it does. */
function readerOf(readable, writer) {
  try {
    return [readable.getReader({ mode: 'byob' }), true];
  } catch {
    try {
      return [readable.getReader(), false];
    } catch (error) {
      writer.releaseLock();
      throw error;
    }
  }
}

function quietly(action) {
  try {
    action()?.catch?.(ignore);
  } catch {
    // It has ended already.
  }
}

function ignore() {}
