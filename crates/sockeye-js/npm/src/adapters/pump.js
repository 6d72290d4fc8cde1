import { FLUSH, LINGER, later } from './timer.js';

/** Above this many waiting bytes, `write` asks to wait; up to this many are written at once. */
const HIGH_WATER = 65_536;

/**
 * What a byte stream with promises can do. Rejections end it.
 * @typedef {object} Source
 * @property {() => Promise<Uint8Array | null>} read What has come; `null` at the end.
 * @property {(chunk: Uint8Array) => Promise<unknown>} write Writes all of it.
 * @property {() => Promise<unknown>} end Ends the writing side.
 * @property {() => void} destroy Ends both sides at once. A `read` that waits is over then.
 * @property {boolean} isOwned Whether what `read` gives was made for it.
 * @property {string | null} localAddress
 * @property {string | null} remoteAddress
 * @property {unknown} socket
 */

/**
 * A transport over a byte stream that is read and written with promises.
 * @implements {import('../index.js').Transport}
 */
export class PumpTransport {
  #source;
  #sink = null;
  #queue = [];
  #buffered = 0;
  #isWriting = false;
  #needsDrain = false;
  #isPaused = false;
  #wake = null;
  #hasPeerEnded = false;
  #hasEnded = false;
  #isEnding = false;
  #isDestroyed = false;
  #timer;

  /** @param {Source} source */
  constructor(source) {
    this.#source = source;
  }

  start(sink) {
    this.#sink = sink;
    this.#read();
  }

  write(head, payload) {
    if (this.#isEnding) return false;
    this.#queue.push(head);
    this.#buffered += head.length;
    if (payload !== undefined) {
      this.#queue.push(payload);
      this.#buffered += payload.length;
    }
    if (!this.#isWriting) this.#write();
    if (this.#buffered < HIGH_WATER) return true;
    this.#needsDrain = true;
    return false;
  }

  pause() {
    this.#isPaused = !this.#isEnding;
  }

  resume() {
    this.#isPaused = false;
    this.#wake?.();
  }

  end() {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#timer = later(FLUSH, () => this.destroy());
    this.resume();
    if (!this.#isWriting) this.#finish();
  }

  destroy() {
    if (this.#isDestroyed) return;
    this.#isDestroyed = this.#isEnding = true;
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#buffered = 0;
    this.#source.destroy();
    this.resume();
    queueMicrotask(() => this.#over());
  }

  get bufferedAmount() {
    return this.#buffered;
  }

  get localAddress() {
    return this.#source.localAddress;
  }

  get remoteAddress() {
    return this.#source.remoteAddress;
  }

  get socket() {
    return this.#source.socket;
  }

  async #read() {
    const source = this.#source;
    const { isOwned } = source;
    for (;;) {
      let chunk;
      try {
        chunk = await source.read();
      } catch (error) {
        this.#fail(error);
        return;
      }
      while (this.#isPaused) {
        await new Promise((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#isDestroyed) return;
      if (chunk === null) break;
      // What still comes after `end` is of no interest, but its end is.
      if (chunk.length > 0 && !this.#isEnding) this.#sink?.data(chunk, isOwned);
    }
    this.#hasPeerEnded = true;
    this.#over();
    if (this.#hasEnded) this.destroy();
  }

  async #write() {
    this.#isWriting = true;
    while (this.#queue.length > 0) {
      const chunk = this.#next();
      try {
        await this.#source.write(chunk);
      } catch (error) {
        this.#fail(error);
        return;
      }
      if (this.#isDestroyed) return;
      this.#buffered -= chunk.length;
      if (this.#needsDrain && this.#buffered < HIGH_WATER) {
        this.#needsDrain = false;
        this.#sink?.drain();
      }
    }
    this.#isWriting = false;
    if (this.#isEnding) this.#finish();
  }

  /** The next chunk to write: small ones that wait go together. */
  #next() {
    const queue = this.#queue;
    let length = queue[0].length;
    let count = 1;
    while (count < queue.length && length + queue[count].length <= HIGH_WATER) length += queue[count++].length;
    if (count === 1) return queue.shift();
    const joined = new Uint8Array(length);
    let offset = 0;
    for (const chunk of queue.splice(0, count)) {
      joined.set(chunk, offset);
      offset += chunk.length;
    }
    return joined;
  }

  async #finish() {
    clearTimeout(this.#timer);
    // Some streams have ended only when the peer has, too.
    this.#timer = later(LINGER, () => this.destroy());
    try {
      await this.#source.end();
    } catch {
      // The peer was faster: there is nothing left to end.
      this.#hasPeerEnded = true;
    }
    this.#hasEnded = true;
    if (this.#hasPeerEnded) this.destroy();
  }

  #fail(error) {
    if (!this.#isDestroyed) this.#over(error instanceof Error ? error : new Error(String(error)));
    this.destroy();
  }

  #over(error) {
    const sink = this.#sink;
    this.#sink = null;
    sink?.end(error);
  }
}
