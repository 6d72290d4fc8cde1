import { startServer } from './conn.js';
import { refuse } from './errors.js';
import { settingsOf } from './options.js';
import { toTransport } from './transport.js';

/** Accepts WebSocket connections. */
export class Upgrader {
  #settings;
  #onRequest;

  /** @param {import('./index.js').UpgraderOptions} [options] */
  constructor(options = {}) {
    const { onRequest } = options;
    if (onRequest !== undefined && typeof onRequest !== 'function') refuse('`onRequest` must be a function', 'INVALID_OPTION');
    this.#settings = settingsOf(options, true);
    this.#onRequest = onRequest;
  }

  async upgrade(request, socket, head, { signal } = {}) {
    if (!Array.isArray(request?.rawHeaders)) refuse('the request must be one of node:http');
    if (!ArrayBuffer.isView(head)) refuse('the head must be bytes: it is the third argument of the upgrade event');
    return this.#start(socket, signal, [headOf(request), head]);
  }

  async accept(stream, { signal } = {}) {
    return this.#start(stream, signal, []);
  }

  free() {
    this.#settings?.free();
    this.#settings = null;
  }

  [Symbol.dispose]() {
    this.free();
  }

  #start(stream, signal, first) {
    if (!this.#settings) refuse('the upgrader was freed', 'FREED');
    return startServer(toTransport(stream), this.#settings, { onRequest: this.#onRequest, signal, first });
  }
}

/** A request that was read, as it was before: the engine judges all of it. */
function headOf({ method, url, httpVersion, rawHeaders }) {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) text += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  text += '\r\n';
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}
