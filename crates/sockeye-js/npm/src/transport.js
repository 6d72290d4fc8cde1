import { denoTransport } from './adapters/deno.js';
import { NodeTransport } from './adapters/node-duplex.js';
import { streamsTransport } from './adapters/streams.js';
import { UsageError } from './errors.js';

/**
 * The transport over a byte stream of any kind. Takes its streams and listeners only when it is not one already.
 * @param {import('./index.js').Stream} stream
 * @returns {import('./index.js').Transport}
 * @throws {UsageError} `INVALID_ARGUMENT`: it is none, or in use.
 */
export function toTransport(stream) {
  const has = (name) => typeof stream?.[name] === 'function';
  try {
    if (has('start') && has('write')) return stream;
    if (has('on') && has('write')) return new NodeTransport(stream);
    if (has('read') && has('write') && has('closeWrite')) return denoTransport(stream);
    if (stream?.readable?.getReader && stream.writable?.getWriter) return streamsTransport(stream);
  } catch (error) {
    throw new UsageError('INVALID_ARGUMENT', `the stream cannot be used: ${error.message}`, { cause: error });
  }
  throw new UsageError('INVALID_ARGUMENT', 'a byte stream is a socket of node:net, a Deno.Conn, a pair {readable, writable}, or a Transport');
}
