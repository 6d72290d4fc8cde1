// Layer 1: a connection over a byte stream.

import { RawEngine } from './glue.js';
import * as core from './core.js';
import { Assembly, ASCII, BINARY, CLOSED, FIN, FINISHED, INPUT, IN_PLACE, MORE, OPENED, PING, PONG, REQUEST, TEXT, VIOLATED } from './core.js';
import { PreparedMessage, isText, levelOf, putClose, putControl, sent } from './engine.js';
import { CloseError, HandshakeError, SendError, refuse } from './errors.js';
import * as events from './events.js';
import { Alarm, Clock } from './clock.js';
import { Inbox, wholeOf } from './inbox.js';
import { MessageSource, messageWriter, streamsOf } from './message-streams.js';
import { check, limitsOf, stageHeaders } from './options.js';

/** From this length on, bytes that need neither mask nor compression go out without being copied. */
const LARGE = 4096;
/** Strings up to this length are encoded in the linear memory. */
const SHORT = INPUT / 3;
/** What is queued beyond this is written at once. */
const CHUNK = 262_144;
/** A send queue this many times longer than what `send` asks to wait for is full. */
const PATIENCE = 16;

const DONE = Promise.resolve();
/** Runs later, but before any event: after all promises that are settled by then, where the platform knows how to, so that a loop that awaits each message writes once. */
const soon = typeof globalThis.process?.nextTick === 'function' ? (callback) => process.nextTick(callback) : queueMicrotask;
const ABILITIES = Object.freeze({ ping: true, backpressure: true, streams: true, readLimit: true, compression: true });
/** Only this module makes connections. */
const KEY = Symbol();

/** A connection over a byte stream. */
export class Conn {
  /** What of the connection can be used: all of it. */
  abilities = ABILITIES;
  subprotocol = null;
  extensions = null;
  request = null;
  response = null;
  onping = null;
  onpong = null;

  #role;
  #raw;
  #transport;
  #limits;
  #receiveBuffer;
  #sendBuffer;
  /** Those of a server, to choose from when nobody else does. */
  #subprotocols;
  #onRequest;

  // Reading.
  #onmessages = null;
  #onclose = null;
  #inbox = new Inbox();
  /** The messages that the read under way has brought. */
  #batch = [];
  /** What else it has brought. */
  #notices = [];
  /** The message that has begun to come. @type {Assembly | null} */
  #assembly = null;
  /** The message that somebody reads as it comes. @type {MessageSource | null} */
  #source = null;
  /** Those who want the next message as it comes. */
  #wantsStream = false;
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
  #writer = null;

  // Time.
  #clock = new Clock();
  #alarm = new Alarm(() => this.#ring());
  /** When the engine wants to be called at the latest. */
  #deadline = Infinity;

  // The end.
  #flags = 0;
  #isClosing = false;
  /** @type {import('./index.js').Close | null} */
  #close = null;
  #cause = undefined;
  #settleOpening;
  #settleClosed;
  #hasEnded = false;
  #removeAbort = null;

  /** Done when the connection has ended. */
  closed;

  constructor(key, transport, raw, { role, limits, buffers, subprotocols }) {
    if (key !== KEY) refuse('a connection is made by an Upgrader or a Dialer');
    this.#role = role;
    this.#raw = raw;
    this.#transport = transport;
    this.#limits = limits;
    this.#receiveBuffer = buffers.receiveBuffer;
    this.#sendBuffer = buffers.sendBuffer;
    this.#subprotocols = subprotocols;
    this.closed = new Promise((resolve) => (this.#settleClosed = resolve));
  }

  /** Makes a connection and begins its opening handshake. Resolves once it is open. */
  static open(transport, raw, { first = [], onRequest, signal, ...options }) {
    const conn = new Conn(KEY, transport, raw, options);
    return new Promise((resolve, reject) => {
      conn.#settleOpening = { resolve: () => resolve(conn), reject };
      try {
        conn.#begin(first, onRequest, signal);
      } catch (error) {
        reject(error);
        conn.#fail('the byte stream cannot be read');
      }
    });
  }

  get role() {
    return this.#role;
  }

  get state() {
    if (this.#close) return 'closed';
    return this.#isClosing ? 'closing' : 'open';
  }

  get socket() {
    return this.#transport.socket;
  }

  get localAddress() {
    return this.#transport.localAddress;
  }

  get remoteAddress() {
    return this.#transport.remoteAddress;
  }

  get bufferedAmount() {
    this.#raw?.report();
    return this.#transport.bufferedAmount + (this.#raw ? core.pending() : 0);
  }

  get onmessages() {
    return this.#onmessages;
  }

  set onmessages(handler) {
    if (handler !== null && typeof handler !== 'function') refuse('`onmessages` must be a function or null');
    this.#onmessages = handler;
    if (handler && !this.#inbox.isEmpty) this.#tell(handler, this.#inbox.clear());
    this.#resumeIfWanted();
  }

  get onclose() {
    return this.#onclose;
  }

  set onclose(handler) {
    this.#onclose = handler;
    // Whoever comes late hears of it too.
    if (handler && this.#hasEnded) queueMicrotask(() => this.#tell(handler, this.#close));
  }

  /** The connection in the shape of `WebSocketStream`. */
  get opened() {
    return Promise.resolve({ ...streamsOf(this), protocol: this.subprotocol ?? '', extensions: this.extensions ?? '' });
  }

  // --- Receiving. ---

  receive({ signal } = {}) {
    if (signal?.aborted) return Promise.reject(signal.reason);
    this.#source?.skip();
    if (!this.#inbox.isEmpty) {
      const message = this.#inbox.shift();
      this.#resumeIfWanted();
      return Promise.resolve(wholeOf(message));
    }
    return this.#wait(signal, false);
  }

  async receiveJson(options) {
    const message = await this.receive(options);
    return message === null ? null : JSON.parse(typeof message === 'string' ? message : core.decode(message));
  }

  async receiveStream({ signal } = {}) {
    if (signal?.aborted) throw signal.reason;
    this.#source?.skip();
    if (!this.#inbox.isEmpty) {
      const message = this.#inbox.shift();
      this.#resumeIfWanted();
      return MessageSource.of(message).stream();
    }
    this.#wantsStream = true;
    this.#applyLimits();
    try {
      const message = await this.#wait(signal, true);
      return message === null ? null : MessageSource.of(message).stream();
    } finally {
      this.#wantsStream = false;
      this.#applyLimits();
    }
  }

  // By hand: a generator would take two more turns for each message.
  [Symbol.asyncIterator]() {
    let isOver = false;
    const result = (message) => {
      isOver ||= message === null;
      return { value: message ?? undefined, done: isOver };
    };
    return {
      next: () => (isOver ? Promise.resolve(result(null)) : this.receive().then(result)),
      return: async (value) => {
        isOver = true;
        if (!this.#close) await this.close();
        return { value, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  // --- Sending. ---

  send(data, options) {
    const isString = typeof data === 'string';
    const text = isText(options?.kind, isString);
    const plain = options?.compress === false;
    const isShort = isString && data.length < SHORT;
    // All that the application could get wrong, or do in between, is behind us before anything is changed.
    const bytes = isShort ? null : isString ? core.encode(data) : core.toBytes(data);
    const raw = this.#live();
    if (this.#writer) throw new SendError('MESSAGE_UNFINISHED', 'a message is being sent in parts and is not finished');
    let outcome = -1;
    if (plain) raw.set_compression(false);
    if (isShort) {
      outcome = raw.send(text, core.putText(data));
    } else {
      if (bytes.length >= LARGE && (isString || !text)) {
        outcome = raw.send_header(text, bytes.length);
        if (outcome === 0) {
          this.#schedule();
          this.#write(bytes);
        }
      }
      if (outcome < 0) outcome = raw.send(text, core.putBytes(bytes));
    }
    if (plain) raw.set_compression(this.#compresses);
    sent(outcome);
    return this.#wrote();
  }

  sendJson(value) {
    const text = JSON.stringify(value);
    if (text === undefined) refuse('this value has no form in JSON');
    return this.send(text);
  }

  sendPrepared(message) {
    const raw = this.#live();
    sent(raw.send_prepared(PreparedMessage.raw(message)));
    return this.#wrote();
  }

  sendStream(kind) {
    const text = isText(kind, false);
    this.#live();
    if (this.#writer) throw new SendError('MESSAGE_UNFINISHED', 'a message is being sent in parts and is not finished');
    const part = (bytes, fin) => {
      const raw = this.#live();
      sent(raw.send_part(text, core.putBytes(bytes), fin));
      if (fin) this.#writer = null;
      return this.#wrote();
    };
    this.#writer = messageWriter(part, () => {
      // A truncated message is never passed off as whole.
      this.#writer = null;
      if (!this.#close) this.close(1011, 'a message was aborted').catch(() => {});
    });
    return this.#writer;
  }

  ping(data) {
    const raw = this.#live();
    sent(raw.ping(putControl(data)));
    this.#wrote();
  }

  pong(data) {
    const raw = this.#live();
    sent(raw.pong(putControl(data)));
    this.#wrote();
  }

  // --- Settings. ---

  #compresses = true;

  setReadLimit(bytes) {
    this.#limits = limitsOf({ limits: { messageSize: bytes, frameSize: bytes } }, this.#limits);
    if (this.#raw) this.#applyLimits();
  }

  setCompression(compress) {
    this.#compresses = Boolean(compress);
    this.#raw?.set_compression(this.#compresses);
  }

  setCompressionLevel(level) {
    this.#raw?.set_compression_level(levelOf(level));
  }

  // --- The end. ---

  close(code, reason) {
    const length = putClose(code, reason);
    if (!this.#isClosing && this.#raw) {
      const raw = this.#raw;
      // From here on the peer can be late, whether it is read from or not.
      this.#clock.go();
      sent(raw.close(this.#clock.now(), code ?? (reason === undefined ? 0 : 1000), length));
      this.#isClosing = true;
      this.#writer = null;
      this.#collect(raw.events(), null, 0, false);
      this.#deliver();
      this.#flush();
      this.#resumeIfWanted();
    }
    return this.closed;
  }

  abort() {
    this.#fail('the connection was aborted');
  }

  [Symbol.asyncDispose]() {
    return this.close().then(() => {});
  }

  // --- Inside: opening. ---

  #begin(first, onRequest, signal) {
    this.#onRequest = onRequest;
    if (signal) {
      const abort = () => {
        const { reject } = this.#settleOpening ?? {};
        this.#settleOpening = null;
        reject?.(signal.reason);
        this.#fail('the opening handshake was aborted');
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener('abort', abort, { once: true });
      this.#removeAbort = () => signal.removeEventListener('abort', abort);
    }
    this.#raw.report();
    this.#update();
    this.#flush();
    const sink = {
      data: (chunk, isOwned) => this.#data(chunk, isOwned),
      end: (error) => this.#end(error),
      drain: () => this.#drain(),
    };
    for (const chunk of first) this.#data(chunk, false);
    if (!this.#hasEnded) this.#transport.start(sink);
  }

  async #ask() {
    let answer;
    try {
      answer = await this.#onRequest?.(this.request);
    } catch (error) {
      answer = { status: 500 };
      this.#cause = error;
    }
    const raw = this.#raw;
    if (!raw) return;
    try {
      stageHeaders(answer?.headers);
      if (answer?.status === undefined) check(raw.admit(this.#clock.now(), core.putText((answer ? answer.subprotocol : this.#choose()) ?? '')), HandshakeError);
      else check(raw.refuse(answer.status, core.putText(String(answer.body ?? ''))));
    } catch (error) {
      this.#cause = error;
      stageHeaders();
      raw.refuse(500, 0);
    }
    this.#collect(raw.events(), null, 0, false);
    this.#deliver();
    // What came behind the request has waited.
    if (this.#flags & MORE) this.#data(new Uint8Array(0), false);
    this.#flush();
  }

  /** The first of our subprotocols that the client offers. */
  #choose() {
    return this.#subprotocols.find((ours) => this.request.subprotocols.includes(ours));
  }

  // --- Inside: reading. ---

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
      this.#flush();
      this.#transport.uncork?.();
    }
  }

  #take(chunk, isOwned) {
    const end = chunk.length;
    let start = 0;
    do {
      const raw = this.#raw;
      if (!raw) return;
      const stop = Math.min(end, start + INPUT);
      core.putInput(chunk, start, stop);
      // What the peer sent counts before what it did not send in time.
      const now = this.#clock.now();
      const count = raw.receive(stop - start, now < this.#deadline ? now : this.#deadline - 0.001);
      this.#collect(count, chunk, start, isOwned);
      start = stop;
      this.#deliver();
      while (this.#flags & MORE && this.#raw) {
        this.#flush();
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
    this.#deliver();
    if (!this.#isReceiving) this.#flush();
  }

  /** Takes over what the call before has left behind. Nothing of the application's runs in here. */
  #collect(count, chunk, start, isOwned) {
    let at = core.records();
    this.#update();
    for (; count > 0; count--, at += 4) {
      const head = core.word(at), address = core.word(at + 1), length = core.word(at + 2);
      const kind = head & 0xff;
      if (kind === BINARY || kind === TEXT) {
        if (head & FIN && this.#assembly === null && this.#source === null && !this.#wantsStream) {
          if (kind === TEXT) this.#batch.push(core.text(address, length, (head & ASCII) !== 0));
          else this.#batch.push(isOwned && head & IN_PLACE ? core.putBack(address, length, chunk, start) : core.copy(address, length));
        } else {
          this.#part(kind === TEXT, address, length, (head & FIN) !== 0, count === 1 ? core.remaining() : 0);
        }
      } else if (kind === PING || kind === PONG) {
        if (kind === PING ? this.onping : this.onpong) this.#notices.push([kind, core.copy(address, length)]);
      } else if (kind === CLOSED) {
        this.#close = Object.freeze(this.#closing(events.closed(address, length, core.word(at + 3))));
      } else if (kind === OPENED) {
        Object.assign(this, events.opened(address, length));
        const answer = this.#raw.response();
        if (answer > 0) this.response = events.response(core.saidLatin1(answer));
        this.#notices.push([OPENED]);
      } else if (kind === REQUEST) {
        this.request = events.request(address, length);
        this.#notices.push([REQUEST]);
      }
    }
  }

  #closing(close) {
    if (this.#cause instanceof HandshakeError) close.error = this.#cause;
    else if (close.error && this.#cause) close.error.cause = this.#cause;
    close.closeCode = close.code;
    return close;
  }

  #part(isText, address, length, fin, left) {
    if (this.#source === null && this.#assembly === null && this.#wantsStream) {
      this.#wantsStream = false;
      this.#source = new MessageSource(isText ? 'text' : 'binary', () => this.#resumeIfWanted());
      this.#batch.push(this.#source);
    }
    if (this.#source !== null) {
      const source = this.#source;
      source.push(core.copy(address, length), fin);
      if (fin) {
        this.#source = null;
        this.#applyLimits();
      }
      return;
    }
    this.#assembly ??= new Assembly(isText);
    this.#assembly.add(address, length, left);
    if (!fin) return;
    this.#batch.push(this.#assembly.finish());
    this.#assembly = null;
  }

  /** Tells the application what has happened. */
  #deliver() {
    if (this.#notices.length > 0) this.#notify();
    if (this.#batch.length > 0) {
      const messages = this.#batch;
      this.#batch = [];
      if (this.#onmessages !== null) this.#tell(this.#onmessages, messages);
      else this.#hand(messages);
    }
    if (this.#close) this.#finish();
  }

  /** Calls the application. What it throws is its own affair: here, the rest of a read would be lost. */
  #tell(handler, what) {
    try {
      handler?.call(this, what);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #notify() {
    for (const [kind, data] of this.#notices.splice(0)) {
      if (kind === PING) this.#tell(this.onping, data);
      else if (kind === PONG) this.#tell(this.onpong, data);
      else if (kind === REQUEST) this.#ask();
      else if (kind === OPENED) {
        this.#removeAbort?.();
        this.#removeAbort = null;
        this.#settleOpening?.resolve();
        this.#settleOpening = null;
      }
    }
  }

  /** Gives messages to those who wait, and keeps the rest. */
  #hand(messages) {
    // Whoever closes and does not listen any more does not want all that still comes.
    this.#inbox.push(messages, this.#isClosing ? this.#receiveBuffer : Infinity);
    if (this.#inbox.size > this.#receiveBuffer || this.#source?.isFull) this.#pause();
  }

  #wait(signal, isForStream) {
    const close = this.#close;
    if (close) return close.clean ? Promise.resolve(null) : Promise.reject(new CloseError(close));
    const message = this.#inbox.wait(signal, isForStream);
    this.#resumeIfWanted();
    return message;
  }

  #pause() {
    if (this.#isPaused || this.#close || this.#isClosing) return;
    this.#isPaused = true;
    this.#clock.stop();
    this.#transport.pause();
  }

  #resumeIfWanted() {
    if (!this.#isPaused || this.#isStuffed) return;
    const isWanted = this.#isClosing || this.#inbox.isAwaited || this.#onmessages !== null || this.#inbox.size <= this.#receiveBuffer / 2;
    if (isWanted && !this.#source?.isFull) this.#resume();
  }

  #resume() {
    this.#isPaused = false;
    this.#clock.go();
    this.#transport.resume();
  }

  // --- Inside: writing. ---

  #live() {
    if (this.#raw === null || this.#isClosing) throw new SendError('CLOSE_SENT', 'the connection is closing, or closed');
    if (this.#isBlocked && this.#transport.bufferedAmount > this.#sendBuffer * PATIENCE) {
      throw new SendError('QUEUE_FULL', 'too much waits to be sent: wait for the promise that `send` returns');
    }
    return this.#raw;
  }

  /** Sees to it that what was queued goes out. Returns what to wait for before sending more. */
  #wrote() {
    if (core.pending() > Math.min(CHUNK, this.#sendBuffer)) this.#write();
    this.#schedule();
    return this.#isBlocked ? this.#drainedSoon() : DONE;
  }

  /** Has what is written until then go out together. */
  #schedule() {
    if (this.#isReceiving || this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#transport.cork?.();
    soon(() => {
      this.#isFlushScheduled = false;
      this.#flush();
      if (!this.#isReceiving) this.#transport.uncork?.();
    });
  }

  #drainedSoon() {
    if (!this.#drained) {
      this.#drained = {};
      this.#drained.promise = new Promise((resolve) => (this.#drained.resolve = resolve));
    }
    return this.#drained.promise;
  }

  /** Writes what is queued, and these bytes behind it. */
  #write(payload) {
    const length = this.#raw.take();
    if (length === 0 || this.#transport.write(core.taken(length), payload)) return;
    const waiting = this.#transport.bufferedAmount;
    if (waiting <= this.#sendBuffer) return;
    this.#isBlocked = true;
    // A client that does not read what it asks for is not read from. A client goes on reading, or two sides that send much would wait for each
    // other for ever; but not for the sake of Pongs that nobody takes, the only thing that can bring it here.
    if (this.#role === 'server' || waiting > 2 * PATIENCE * this.#sendBuffer) {
      this.#isStuffed = true;
      this.#pause();
    }
  }

  /** Writes what is queued, ends the byte stream when it is time, and keeps the clock. */
  #flush() {
    const raw = this.#raw;
    if (raw === null) return;
    this.#write();
    if (this.#flags & FINISHED) this.#release(true);
    else if (this.#deadline < this.#alarm.at) this.#alarm.set(this.#deadline, this.#clock);
  }

  #drain() {
    if (this.#transport.bufferedAmount > this.#sendBuffer) return;
    this.#isBlocked = this.#isStuffed = false;
    const drained = this.#drained;
    this.#drained = null;
    drained?.resolve();
    this.#resumeIfWanted();
  }

  // --- Inside: time. ---

  #update() {
    this.#flags = core.flags();
    this.#deadline = core.timeout();
  }

  #ring() {
    if (this.#raw === null) return;
    if (this.#clock.now() < this.#deadline) {
      this.#flush();
      return;
    }
    // After a busy time, what lies in the socket counts first.
    this.#alarm.soon(() => {
      if (this.#clock.now() >= this.#deadline) this.#proceed();
      else this.#flush();
    });
  }

  // --- Inside: the end. ---

  #applyLimits() {
    const { messageSize, frameSize, fragments } = this.#limits;
    const isBounded = !this.#wantsStream && this.#source === null;
    this.#raw?.set_limits(messageSize, frameSize, fragments, isBounded ? messageSize : Number.MAX_SAFE_INTEGER);
  }

  #end(error) {
    if (this.#raw === null) return;
    if (error) this.#cause = error;
    const length = error ? core.putText(error.message || String(error)) : 0;
    this.#collect(this.#raw.end(error !== undefined, length), null, 0, false);
    this.#deliver();
    this.#release(true);
  }

  /** Ends it all at once. */
  #fail(why) {
    if (this.#raw === null) return;
    this.#collect(this.#raw.end(true, core.putText(why)), null, 0, false);
    if (!this.#isReceiving) this.#deliver();
    else this.#finish();
    this.#release(false);
  }

  /** Lets go of the engine and of the byte stream. */
  #release(isOrderly) {
    const raw = this.#raw;
    if (raw === null) return;
    if (isOrderly) this.#write();
    this.#raw = null;
    raw.free();
    this.#alarm.clear();
    this.#removeAbort?.();
    this.#isBlocked = this.#isStuffed = false;
    this.#drained?.resolve();
    if (this.#isPaused) this.#resume();
    if (isOrderly) this.#transport.end();
    else this.#transport.destroy();
  }

  /** Tells everybody that it has ended. */
  #finish() {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const close = this.#close;
    this.#assembly = null;
    this.#source?.fail(new CloseError(close));
    this.#source = null;
    const opening = this.#settleOpening;
    this.#settleOpening = null;
    if (opening) opening.reject(close.error ?? new CloseError(close));
    this.#inbox.end(close);
    this.#settleClosed(close);
    this.#tell(this.#onclose, close);
  }

}

/**
 * Serves a client over a byte stream whose first bytes, or `first`, are its request. Resolves once the connection is open.
 *
 * @param {import('./index.js').Transport} transport
 * @param {ReturnType<typeof import('./options.js').settingsOf>} settings
 * @param {{ first?: Uint8Array[], onRequest?: Function, signal?: AbortSignal }} [options]
 * @returns {Promise<Conn>}
 */
export const startServer = (transport, settings, options = {}) => start(transport, settings, 'server', options);

/** Opens a connection over a byte stream. Resolves once it is open. */
export const startClient = (transport, settings, options = {}) => start(transport, settings, 'client', options);

function start(transport, { raw, limits, buffers, subprotocols }, role, options) {
  return Conn.open(transport, new RawEngine(raw, core.now(), false), { ...options, role, limits, buffers, subprotocols });
}
