import { FLUSH, LINGER, later } from './timer.js';

/** Above this many waiting bytes, `write` asks to wait. Node's own mark (16 KiB before version 22) is below one message, and written at once. */
const HIGH_WATER = 65_536;

/**
 * A transport over a `Duplex` as Node has it: `net.Socket`, `tls.TLSSocket`, and their likes in Deno and Bun.
 * @implements {import('../index.js').Transport}
 */
export class NodeTransport {
  #socket;
  #sink = null;
  #onData = null;
  #isEnding = false;
  #isCorked = false;
  #hasCorked = false;
  #needsDrain = false;
  #timer;

  /** @param {import('../index.js').NodeDuplex} socket */
  constructor(socket) {
    this.#socket = socket;
    // An HTTP server may have set one, for requests.
    socket.setTimeout?.(0);
    socket.setNoDelay?.(true);
  }

  start(sink) {
    const socket = this.#socket;
    this.#sink = sink;
    // What a socket reads was allocated for the reader; what comes through other streams may still be in use.
    const isOwned = typeof socket.setNoDelay === 'function';
    this.#onData = (chunk) => sink.data(chunk, isOwned);
    socket.on('error', (error) => {
      this.#over(error);
      this.destroy();
    });
    socket.on('end', () => {
      this.#over();
      if (this.#isEnding && socket.writableFinished) this.destroy();
    });
    socket.on('close', () => {
      clearTimeout(this.#timer);
      this.#over();
    });
    socket.on('drain', () => {
      if (!this.#needsDrain) return;
      this.#needsDrain = false;
      this.#sink?.drain();
    });
    if (socket.destroyed || socket.readableEnded) {
      queueMicrotask(() => this.#over(socket.errored ?? undefined));
      return;
    }
    socket.on('data', this.#onData);
    socket.resume();
  }

  write(head, payload) {
    const socket = this.#socket;
    if (this.#isEnding) return false;
    let isBelow;
    if (payload === undefined) {
      isBelow = socket.write(head);
    } else {
      if (!this.#hasCorked) socket.cork?.();
      this.#hasCorked = true;
      socket.write(head);
      isBelow = socket.write(payload);
      if (!this.#isCorked) this.uncork();
    }
    if (isBelow || socket.writableLength < HIGH_WATER) return true;
    this.#needsDrain = true;
    return false;
  }

  /** Lets what is written from now on go out together, where that saves a system call. */
  cork() {
    this.#isCorked = true;
  }

  uncork() {
    this.#isCorked = false;
    if (!this.#hasCorked) return;
    this.#hasCorked = false;
    this.#socket.uncork?.();
  }

  pause() {
    this.#socket.pause();
  }

  resume() {
    this.#socket.resume();
  }

  end() {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const socket = this.#socket;
    // What still comes is of no interest, but its end is.
    if (this.#onData) socket.off('data', this.#onData);
    socket.resume();
    this.#timer = later(FLUSH, () => this.destroy());
    // The sockets of HTTP servers stay half open for ever.
    socket.end(() => {
      clearTimeout(this.#timer);
      if (socket.readableEnded) this.destroy();
      else if (!socket.destroyed) this.#timer = later(LINGER, () => this.destroy());
    });
  }

  destroy() {
    this.#isEnding = true;
    clearTimeout(this.#timer);
    if (this.#onData) this.#socket.off('data', this.#onData);
    this.#socket.destroy();
  }

  get bufferedAmount() {
    return this.#socket.writableLength ?? 0;
  }

  get localAddress() {
    const { localAddress, localPort } = this.#socket;
    return address(localAddress, localPort);
  }

  get remoteAddress() {
    const { remoteAddress, remotePort } = this.#socket;
    return address(remoteAddress, remotePort);
  }

  get socket() {
    return this.#socket;
  }

  #over(error) {
    const sink = this.#sink;
    this.#sink = null;
    sink?.end(error);
  }
}

/**
 * An IP address and a port as one text.
 * @param {string | undefined} host
 * @param {number | undefined} port
 */
export function address(host, port) {
  if (!host) return null;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
