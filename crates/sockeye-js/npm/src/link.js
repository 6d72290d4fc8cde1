// An engine and its byte stream: what one has to say is written to the other, and what comes from there is given to it, in time.

import * as core from './core.js';
import { FINISHED, INPUT, MORE, VIOLATED } from './core.js';
import { Alarm, Clock } from './clock.js';
import { putClose, sent } from './engine.js';
import { SendError } from './errors.js';

/** What is queued beyond this is written at once. */
const CHUNK = 262_144;
/** A send queue this many times longer than what `send` asks to wait for is full. */
const PATIENCE = 16;

const DONE = Promise.resolve();
/** Runs later, but before any event: after all promises that are settled by then, where the platform knows how to, so that a loop that awaits each message writes once. */
const soon = typeof globalThis.process?.nextTick === 'function' ? (callback) => process.nextTick(callback) : queueMicrotask;

/**
 * Whom a link belongs to.
 * @typedef {object} Owner
 * @property {(count: number, chunk: Uint8Array | null, start: number, isOwned: boolean, cause?: Error) => void} collect
 *   Takes over the events that the engine has left behind, of this chunk from `start` on, or because of `cause`. Nothing of the application's runs in
 *   there.
 * @property {() => void} deliver Tells the application.
 * @property {() => boolean} isHungry Whether more is to be read, when reading had been paused.
 */

export class Link {
  #raw;
  #transport;
  #isServer;
  #sendBuffer;
  /** @type {Owner} */
  #owner;

  // How the engine stands.
  #flags = 0;
  /** When it wants to be called at the latest. */
  #deadline = Infinity;
  #clock = new Clock();
  #alarm = new Alarm(() => this.#ring());

  // Reading.
  #isReceiving = false;
  /** Chunks that came while the one before was being dealt with. */
  #chunks = [];
  #isPaused = false;

  // Writing.
  #isFlushScheduled = false;
  #isBlocked = false;
  /** Whether reading is paused because so much waits to be written. */
  #isStuffed = false;
  /** What those wait for who may send again then. */
  #drained = null;

  /** Whether this side has begun to close. */
  isClosing = false;

  constructor(raw, transport, { isServer, sendBuffer }, owner) {
    this.#raw = raw;
    this.#transport = transport;
    this.#isServer = isServer;
    this.#sendBuffer = sendBuffer;
    this.#owner = owner;
  }

  /** The engine, until the end. */
  get raw() {
    return this.#raw;
  }

  get transport() {
    return this.#transport;
  }

  /** The time of the connection, in milliseconds. */
  get now() {
    return this.#clock.now();
  }

  /** Bytes that have not gone out. */
  get bufferedAmount() {
    this.#raw?.report();
    return this.#transport.bufferedAmount + (this.#raw ? core.pending() : 0);
  }

  /** Begins, with what has been read already. */
  begin(first) {
    this.#raw.report();
    this.#collect(0, null, 0, false);
    this.flush();
    for (const chunk of first) this.#data(chunk, false);
    if (this.#raw === null) return;
    this.#transport.start({
      data: (chunk, isOwned) => this.#data(chunk, isOwned),
      end: (error) => this.#end(error),
      drain: () => this.#drain(),
    });
  }

  /** Takes over what the last call of the engine has left behind, and goes on with what had to wait for it. */
  settle() {
    this.#collect(this.#raw.events(), null, 0, false);
    this.#owner.deliver();
    if (this.#flags & MORE) this.#data(new Uint8Array(0), false);
    this.flush();
  }

  // --- Reading. ---

  #data(chunk, isOwned) {
    if (this.#isReceiving) {
      // Brought by what the application did in the middle of another chunk: order is kept.
      this.#chunks.push(isOwned ? chunk : chunk.slice());
      return;
    }
    this.#isReceiving = true;
    this.#transport.cork?.();
    try {
      this.#take(chunk, isOwned);
      while (this.#chunks.length > 0) this.#take(this.#chunks.shift(), true);
    } finally {
      this.#isReceiving = false;
      this.flush();
      this.#transport.uncork?.();
    }
  }

  #take(chunk, isOwned) {
    const end = chunk.length;
    let start = 0;
    do {
      const raw = this.#raw;
      if (raw === null) return;
      const stop = Math.min(end, start + INPUT);
      core.putInput(chunk, start, stop);
      // What the peer sent counts before what it did not send in time.
      const now = this.#clock.now();
      const count = raw.receive(stop - start, now < this.#deadline ? now : this.#deadline - 0.001);
      this.#collect(count, chunk, start, isOwned);
      start = stop;
      this.#owner.deliver();
      while (this.#flags & MORE && this.#raw) {
        this.flush();
        if (this.#flags & VIOLATED) {
          // The application may answer what came before it.
          setTimeout(() => this.#proceed(), 0);
          return;
        }
        this.#proceed();
      }
    } while (start < end);
  }

  /** Has the engine go on with what had to wait, or with the time. */
  #proceed() {
    if (this.#raw === null) return;
    this.#collect(this.#raw.receive(0, this.#clock.now()), null, 0, false);
    this.#owner.deliver();
    if (!this.#isReceiving) this.flush();
  }

  #collect(count, chunk, start, isOwned, cause) {
    this.#flags = core.flags();
    this.#deadline = core.timeout();
    this.#owner.collect(count, chunk, start, isOwned, cause);
  }

  /** Stops reading until the application has taken what there is. */
  pause() {
    if (this.#isPaused || this.#raw === null || this.isClosing) return;
    this.#isPaused = true;
    this.#clock.stop();
    this.#transport.pause();
  }

  /** Reads on, if the application wants more and nothing else is against it. */
  resume() {
    if (this.#isPaused && !this.#isStuffed && (this.isClosing || this.#owner.isHungry())) this.#resume();
  }

  #resume() {
    this.#isPaused = false;
    this.#clock.go();
    this.#transport.resume();
  }

  // --- Writing. ---

  /** The engine, to send something; throws when nothing can be sent. */
  live() {
    if (this.#raw === null || this.isClosing) throw new SendError('CLOSE_SENT', 'the connection is closing, or closed');
    if (this.#isBlocked && this.#transport.bufferedAmount > this.#sendBuffer * PATIENCE) {
      throw new SendError('QUEUE_FULL', 'too much waits to be sent: wait for the promise that `send` returns');
    }
    return this.#raw;
  }

  /** Sees to it that what was queued goes out. Returns what to wait for before sending more. */
  wrote() {
    if (core.pending() > Math.min(CHUNK, this.#sendBuffer)) this.write();
    this.#schedule();
    if (!this.#isBlocked) return DONE;
    if (!this.#drained) {
      this.#drained = {};
      this.#drained.promise = new Promise((resolve) => (this.#drained.resolve = resolve));
    }
    return this.#drained.promise;
  }

  /** Has what is written until then go out together. */
  #schedule() {
    if (this.#isReceiving || this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#transport.cork?.();
    soon(() => {
      this.#isFlushScheduled = false;
      this.flush();
      if (!this.#isReceiving) this.#transport.uncork?.();
    });
  }

  /** Writes what is queued, and these bytes behind it. */
  write(payload) {
    if (payload) this.#schedule();
    const length = this.#raw.take();
    if (length === 0 || this.#transport.write(core.taken(length), payload)) return;
    const waiting = this.#transport.bufferedAmount;
    if (waiting <= this.#sendBuffer) return;
    this.#isBlocked = true;
    // A client that does not read what it asks for is not read from. A client goes on reading, or two sides that send much would wait for each
    // other for ever; but not for the sake of Pongs that nobody takes, the only thing that can bring it here.
    if (this.#isServer || waiting > 2 * PATIENCE * this.#sendBuffer) {
      this.#isStuffed = true;
      this.pause();
    }
  }

  /** Writes what is queued, ends the byte stream when it is time, and keeps the clock. */
  flush() {
    if (this.#raw === null) return;
    this.write();
    if (this.#flags & FINISHED) this.#release(true);
    else if (this.#deadline < this.#alarm.at) this.#alarm.set(this.#deadline, this.#clock);
  }

  /** The transport has come below its own mark, and says so once: even where `sendBuffer` is less, nothing better will come. */
  #drain() {
    this.#unblock();
    this.resume();
  }

  #unblock() {
    this.#isBlocked = this.#isStuffed = false;
    this.#drained?.resolve();
    this.#drained = null;
  }

  #ring() {
    if (this.#raw === null) return;
    if (this.#clock.now() < this.#deadline) {
      this.flush();
      return;
    }
    // After a busy time, what lies in the socket counts first.
    this.#alarm.soon(() => {
      if (this.#clock.now() >= this.#deadline) this.#proceed();
      else this.flush();
    });
  }

  // --- The end. ---

  /** Begins to close. */
  close(code, reason) {
    const length = putClose(code, reason);
    if (this.isClosing || this.#raw === null) return;
    // From here on the peer can be late, whether it is read from or not.
    this.#clock.go();
    sent(this.#raw.close(this.#clock.now(), code ?? (reason === undefined ? 0 : 1000), length));
    this.isClosing = true;
    this.#collect(this.#raw.events(), null, 0, false);
    this.#owner.deliver();
    this.flush();
    this.resume();
  }

  #end(error) {
    if (this.#raw === null) return;
    const length = error ? core.putText(error.message || String(error)) : 0;
    this.#collect(this.#raw.end(error !== undefined, length), null, 0, false, error);
    this.#owner.deliver();
    this.#release(true);
  }

  /** Ends it all at once. */
  fail(why) {
    if (this.#raw === null) return;
    this.#collect(this.#raw.end(true, core.putText(why)), null, 0, false);
    this.#owner.deliver();
    this.#release(false);
  }

  /** Lets go of the engine and of the byte stream. */
  #release(isOrderly) {
    const raw = this.#raw;
    if (raw === null) return;
    if (isOrderly) this.write();
    this.#raw = null;
    raw.free();
    this.#alarm.clear();
    this.#unblock();
    if (this.#isPaused) this.#resume();
    if (isOrderly) this.#transport.end();
    else this.#transport.destroy();
  }
}
