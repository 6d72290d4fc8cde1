// Messages as streams: one that comes, one that goes, and all of them.

import { encode, decode, toBytes } from './core.js';
import { UsageError } from './errors.js';

/** Bytes that may wait to be read before the peer is stopped. */
const FULL = 262_144;

/** A message that somebody reads as it comes. */
export class MessageSource {
  #chunks = [];
  #size = 0;
  #isDone = false;
  #isSkipped = false;
  #error = null;
  #wake = null;
  #resume;

  constructor(kind, resume) {
    this.kind = kind;
    this.#resume = resume;
  }

  /** A message that is there already, or has begun to come. */
  static of(message) {
    if (message instanceof MessageSource) return message;
    const source = new MessageSource(typeof message === 'string' ? 'text' : 'binary', () => {});
    source.push(typeof message === 'string' ? encode(message) : message, true);
    return source;
  }

  get isFull() {
    return this.#size > FULL;
  }

  push(bytes, isLast) {
    if (!this.#isSkipped && bytes.length > 0) {
      this.#chunks.push(bytes);
      this.#size += bytes.length;
    }
    this.#isDone = isLast;
    this.#wake?.();
  }

  fail(error) {
    this.#error = error;
    this.#wake?.();
  }

  /** Nobody wants the rest. */
  skip() {
    this.#isSkipped = true;
    this.#chunks = [];
    this.#size = 0;
    this.#error ??= new UsageError('MESSAGE_SKIPPED', 'another message was asked for: the rest of this one is skipped');
    this.#wake?.();
    this.#resume();
  }

  /** The next bytes, or null at the end. */
  async next() {
    for (;;) {
      if (this.#chunks.length > 0) {
        const chunk = this.#chunks.shift();
        this.#size -= chunk.length;
        this.#resume();
        return chunk;
      }
      if (this.#isDone && !this.#isSkipped) return null;
      if (this.#error) throw this.#error;
      await new Promise((resolve) => (this.#wake = resolve));
      this.#wake = null;
    }
  }

  /** All of it, for somebody who did not ask for a stream after all. */
  async whole() {
    const parts = [];
    for (let part; (part = await this.next()) !== null; ) parts.push(part);
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
    return this.kind === 'text' ? decode(bytes) : bytes;
  }

  /** What the application gets. */
  stream() {
    const readable = new ReadableStream(
      {
        pull: async (controller) => {
          const chunk = await this.next();
          if (chunk === null) controller.close();
          else controller.enqueue(chunk);
        },
        cancel: () => this.skip(),
      },
      { highWaterMark: 0 },
    );
    return { kind: this.kind, readable };
  }
}

/** A stream that sends what is written to it with `part(bytes, isLast)`. */
export const messageWriter = (part, abort) =>
  new WritableStream({
    write: (chunk) => part(typeof chunk === 'string' ? encode(chunk) : toBytes(chunk), false),
    close: () => part(new Uint8Array(0), true),
    abort,
  });

/** All messages of a connection as two streams. */
export function streamsOf(conn) {
  const readable = new ReadableStream(
    {
      async pull(controller) {
        const message = await conn.receive();
        if (message === null) controller.close();
        else controller.enqueue(message);
      },
      cancel: () => conn.close().then(() => {}),
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream({
    write: (message) => conn.send(message),
    close: () => conn.close().then(() => {}),
    abort: () => conn.abort(),
  });
  return { readable, writable };
}

