/**
 * Follows a recording of `sockeye proxy`, which serves the page itself.
 *
 * The recording is a pcapng file that grows; nothing that was written in it changes. Beside the files of the page, the server has two resources.
 * For both a request without the token, which the fragment of the page's address holds, is answered with 401. The server checks `Host`
 * and `Origin`, too.
 *
 * - `GET /live` is a WebSocket. The page offers the subprotocols `sockeye-live` and the token (a token of RFC 7230, such as hex digits); the
 *   server chooses `sockeye-live`. It sends text messages, JSON: `{"size": 1234, "packets": 56, "done": false}`: the length of the file in
 *   bytes up to the end of its last whole block, how many packets are in it, and whether it is complete. The first comes at once, the others when
 *   there is more, thirty a second at most; after `"done": true` the server closes with 1000. The page sends nothing.
 * - `GET /capture.pcapng` is the file, with `Authorization: Bearer TOKEN` and `Range: bytes=FIRST-LAST` (RFC 9110 §14.2), never more than 8 MiB
 *   and never behind the length that was told. The answer is 206 with exactly these bytes.
 */

import type { Capture } from './source.js';

/** What the server says of the recording. */
interface Told {
  size: number;
  packets: number;
  done: boolean;
}

/** Bytes of a recording that are kept; the rest is asked for again. */
const MOST_KEPT = 256 << 20;

/** A capture that is being recorded. */
export class LiveCapture implements Capture {
  readonly isLive = true;
  readonly problems: string[] = [];
  readonly #url: string;
  readonly #token: string;
  readonly #signal: AbortSignal;
  /** What was read from the beginning on, without a gap: to be read again at once, and when the server has gone. */
  readonly #kept: { start: number; bytes: Uint8Array }[] = [];
  #keptEnd = 0;
  #told: Told = { size: 0, packets: 0, done: false };
  /** Settled when the server says more, and replaced by another. */
  #more = Promise.withResolvers<void>();

  /** Connects to the server at `base`; `signal` ends it. */
  constructor(base: string, token: string, signal: AbortSignal) {
    this.#url = new URL('capture.pcapng', base).href;
    this.#token = token;
    this.#signal = signal;
    const url = new URL('live', base);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, ['sockeye-live', token]);
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(data)));
    socket.addEventListener('close', () => this.#end());
    signal.addEventListener('abort', () => socket.close());
  }

  get size(): number {
    return this.#told.size;
  }

  async read(offset: number, length: number): Promise<Uint8Array | null> {
    while (offset >= this.#told.size) {
      if (this.#told.done || this.#signal.aborted) {
        return null;
      }
      await this.#more.promise;
    }
    const last = Math.min(offset + length, this.#told.size) - 1;
    const response = await fetch(this.#url, { headers: this.#headers(offset, last), signal: this.#signal, cache: 'no-store' });
    const bytes = response.status === 206 ? new Uint8Array(await response.arrayBuffer()) : null;
    if (bytes?.length !== last + 1 - offset) {
      throw new Error(`The recording cannot be read: the server answered ${response.status} with ${bytes?.length ?? 'no'} bytes.`);
    }
    if (offset === this.#keptEnd && this.#keptEnd + bytes.length <= MOST_KEPT) {
      this.#kept.push({ start: offset, bytes });
      this.#keptEnd += bytes.length;
    }
    return bytes;
  }

  readNow(offset: number, into: Uint8Array): void {
    if (offset + into.length <= this.#keptEnd) {
      this.#copy(offset, into);
      return;
    }
    const request = new XMLHttpRequest();
    request.open('GET', this.#url, false);
    request.responseType = 'arraybuffer';
    for (const [name, value] of Object.entries(this.#headers(offset, offset + into.length - 1))) {
      request.setRequestHeader(name, value);
    }
    request.send();
    if (request.status !== 206) {
      throw new Error(`the server answered ${request.status}`);
    }
    into.set(new Uint8Array(request.response));
  }

  /** Fills `into` from what is kept. */
  #copy(offset: number, into: Uint8Array): void {
    let [low, high] = [0, this.#kept.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      [low, high] = this.#kept[middle]!.start <= offset ? [middle, high] : [low, middle - 1];
    }
    for (let at = 0; at < into.length; low += 1) {
      const { start, bytes } = this.#kept[low]!;
      const part = bytes.subarray(offset + at - start, offset + into.length - start);
      into.set(part, at);
      at += part.length;
    }
  }

  #headers(first: number, last: number): Record<string, string> {
    return { authorization: `Bearer ${this.#token}`, range: `bytes=${first}-${last}` };
  }

  #hear(told: Told): void {
    this.#told = told;
    const more = this.#more;
    this.#more = Promise.withResolvers<void>();
    more.resolve();
  }

  /** The server hung up: there will be no more than there is. */
  #end(): void {
    if (!this.#told.done && !this.#signal.aborted) {
      this.problems.push('The recording broke off: the connection to the server that records it was lost.');
    }
    this.#hear({ ...this.#told, done: true });
  }
}
