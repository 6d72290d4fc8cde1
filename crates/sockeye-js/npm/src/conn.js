// Layer 1: a connection over a byte stream.

import { RawEngine } from './glue.js';
import * as core from './core.js';
import { Assembly, ASCII, BINARY, CLOSED, FIN, INPUT, IN_PLACE, OPENED, PING, PONG, REQUEST, TEXT } from './core.js';
import { PreparedMessage, isText, levelOf, putControl, sent } from './engine.js';
import { CloseError, HandshakeError, SendError, refuse } from './errors.js';
import * as events from './events.js';
import { Inbox, wholeOf } from './inbox.js';
import { Link } from './link.js';
import { MessageSource, messageWriter, streamsOf } from './message-streams.js';
import { check, limitsOf, stageHeaders } from './options.js';

/** From this length on, bytes that need neither mask nor compression go out without being copied. */
const LARGE = 4096;
/** Strings up to this length are encoded in the linear memory. */
const SHORT = INPUT / 3;

const ABILITIES = Object.freeze({ ping: true, backpressure: true, streams: true, readLimit: true, compression: true });

/** A connection over a byte stream. Only `startServer` and `startClient` make them. */
class Conn {
  /** What of the connection can be used: all of it. */
  abilities = ABILITIES;
  subprotocol = null;
  extensions = null;
  request = null;
  response = null;
  onping = null;
  onpong = null;
  /** Done when the connection has ended. */
  closed;

  #role;
  #link;
  #limits;
  #receiveBuffer;
  /** Those of a server, to choose from when nobody else does. */
  #subprotocols;
  #onRequest;
  #compresses = true;

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
  /** Whether somebody wants the next message as it comes. */
  #wantsStream = false;
  /** The message that is being sent in parts. */
  #writer = null;

  /** @type {import('./index.js').Close | null} */
  #close = null;
  #hasEnded = false;
  #cause = undefined;
  #settleOpening;
  #settleClosed;
  #removeAbort = null;

  constructor(transport, raw, { role, limits, buffers, subprotocols, onRequest }) {
    this.#role = role;
    this.#limits = limits;
    this.#receiveBuffer = buffers.receiveBuffer;
    this.#subprotocols = subprotocols;
    this.#onRequest = onRequest;
    this.closed = new Promise((resolve) => (this.#settleClosed = resolve));
    this.#link = new Link(raw, transport, { isServer: role === 'server', sendBuffer: buffers.sendBuffer }, {
      collect: (count, chunk, start, isOwned, cause) => this.#collect(count, chunk, start, isOwned, cause),
      deliver: () => this.#deliver(),
      isHungry: () => (this.#inbox.isAwaited || this.#onmessages !== null || this.#inbox.size <= this.#receiveBuffer / 2) && !this.#source?.isFull,
    });
  }

  /** Begins the opening handshake with what has been read already. Resolves once the connection is open. */
  static open(conn, { first = [], signal }) {
    return new Promise((resolve, reject) => {
      conn.#settleOpening = { resolve: () => resolve(conn), reject };
      try {
        if (signal) conn.#heed(signal);
        if (conn.#link.raw) conn.#link.begin(first);
      } catch (error) {
        reject(error);
        conn.#link.fail('the byte stream cannot be read');
      }
    });
  }

  get role() {
    return this.#role;
  }

  get state() {
    if (this.#close) return 'closed';
    return this.#link.isClosing ? 'closing' : 'open';
  }

  get socket() {
    return this.#link.transport.socket;
  }

  get localAddress() {
    return this.#link.transport.localAddress;
  }

  get remoteAddress() {
    return this.#link.transport.remoteAddress;
  }

  get bufferedAmount() {
    return this.#link.bufferedAmount;
  }

  get onmessages() {
    return this.#onmessages;
  }

  set onmessages(handler) {
    if (handler !== null && typeof handler !== 'function') refuse('`onmessages` must be a function or null');
    this.#onmessages = handler;
    if (handler && !this.#inbox.isEmpty) this.#tell(handler, this.#inbox.clear());
    this.#link.resume();
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
      this.#link.resume();
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
      this.#link.resume();
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
    const raw = this.#link.live();
    if (this.#writer) throw new SendError('MESSAGE_UNFINISHED', 'a message is being sent in parts and is not finished');
    let outcome = -1;
    if (plain) raw.set_compression(false);
    if (isShort) {
      outcome = raw.send(text, core.putText(data));
    } else {
      if (bytes.length >= LARGE && (isString || !text)) {
        outcome = raw.send_header(text, bytes.length);
        if (outcome === 0) this.#link.write(bytes);
      }
      if (outcome < 0) outcome = raw.send(text, core.putBytes(bytes));
    }
    if (plain) raw.set_compression(this.#compresses);
    sent(outcome);
    return this.#link.wrote();
  }

  sendJson(value) {
    const text = JSON.stringify(value);
    if (text === undefined) refuse('this value has no form in JSON');
    return this.send(text);
  }

  sendPrepared(message) {
    const raw = this.#link.live();
    sent(raw.send_prepared(PreparedMessage.raw(message)));
    return this.#link.wrote();
  }

  sendStream(kind) {
    const text = isText(kind, false);
    this.#link.live();
    if (this.#writer) throw new SendError('MESSAGE_UNFINISHED', 'a message is being sent in parts and is not finished');
    const part = (bytes, fin) => {
      const raw = this.#link.live();
      sent(raw.send_part(text, core.putBytes(bytes), fin));
      if (fin) this.#writer = null;
      return this.#link.wrote();
    };
    this.#writer = messageWriter(part, () => {
      // A truncated message is never passed off as whole.
      this.#writer = null;
      if (!this.#close) this.close(1011, 'a message was aborted').catch(() => {});
    });
    return this.#writer;
  }

  ping(data) {
    const raw = this.#link.live();
    sent(raw.ping(putControl(data)));
    this.#link.wrote();
  }

  pong(data) {
    const raw = this.#link.live();
    sent(raw.pong(putControl(data)));
    this.#link.wrote();
  }

  // --- Settings. ---

  setReadLimit(bytes) {
    this.#limits = limitsOf({ limits: { messageSize: bytes, frameSize: bytes } }, this.#limits);
    this.#applyLimits();
  }

  setCompression(compress) {
    this.#compresses = Boolean(compress);
    this.#link.raw?.set_compression(this.#compresses);
  }

  setCompressionLevel(level) {
    this.#link.raw?.set_compression_level(levelOf(level));
  }

  // --- The end. ---

  close(code, reason) {
    this.#link.close(code, reason);
    if (this.#link.isClosing) this.#writer = null;
    return this.closed;
  }

  abort() {
    this.#link.fail('the connection was aborted');
  }

  [Symbol.asyncDispose]() {
    return this.close().then(() => {});
  }

  // --- Inside: opening. ---

  /** Gives up opening when the signal says so. */
  #heed(signal) {
    const abort = () => {
      const { reject } = this.#settleOpening ?? {};
      this.#settleOpening = null;
      reject?.(signal.reason);
      this.#link.fail('the opening handshake was aborted');
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    this.#removeAbort = () => signal.removeEventListener('abort', abort);
  }

  #opened() {
    this.#removeAbort?.();
    this.#removeAbort = null;
    this.#settleOpening?.resolve();
    this.#settleOpening = null;
  }

  async #ask() {
    let answer;
    try {
      answer = await this.#onRequest?.(this.request);
    } catch (error) {
      answer = { status: 500 };
      this.#cause = error;
    }
    const { raw, now } = this.#link;
    if (raw === null) return;
    try {
      stageHeaders(answer?.headers);
      if (answer?.status === undefined) check(raw.admit(now, core.putText((answer ? answer.subprotocol : this.#choose()) ?? '')), HandshakeError);
      else check(raw.refuse(answer.status, core.putText(String(answer.body ?? ''))));
    } catch (error) {
      this.#cause = error;
      stageHeaders();
      raw.refuse(500, 0);
    }
    this.#link.settle();
  }

  /** The first of our subprotocols that the client offers. */
  #choose() {
    return this.#subprotocols.find((ours) => this.request.subprotocols.includes(ours));
  }

  // --- Inside: receiving. ---

  /** Takes over what the call before has left behind. Nothing of the application's runs in here. */
  #collect(count, chunk, start, isOwned, cause) {
    if (cause) this.#cause = cause;
    let at = core.records();
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
        const answer = this.#link.raw.response();
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
      this.#source = new MessageSource(isText ? 'text' : 'binary', () => this.#link.resume());
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
    if (this.#source?.isFull) this.#link.pause();
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
      else if (kind === OPENED) this.#opened();
    }
  }

  /** Gives messages to those who wait, and keeps the rest. */
  #hand(messages) {
    // Whoever closes and does not listen any more does not want all that still comes.
    this.#inbox.push(messages, this.#link.isClosing ? this.#receiveBuffer : Infinity);
    if (this.#inbox.size > this.#receiveBuffer) this.#link.pause();
  }

  #wait(signal, isForStream) {
    const close = this.#close;
    if (close) return close.clean ? Promise.resolve(null) : Promise.reject(new CloseError(close));
    const message = this.#inbox.wait(signal, isForStream);
    this.#link.resume();
    return message;
  }

  #applyLimits() {
    const { messageSize, frameSize, fragments } = this.#limits;
    const isBounded = !this.#wantsStream && this.#source === null;
    this.#link.raw?.set_limits(messageSize, frameSize, fragments, isBounded ? messageSize : Number.MAX_SAFE_INTEGER);
  }

  /** Tells everybody that it has ended. */
  #finish() {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const close = this.#close;
    this.#assembly = null;
    this.#source?.fail(new CloseError(close));
    this.#source = null;
    this.#removeAbort?.();
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
  const conn = new Conn(transport, new RawEngine(raw, core.now(), false), { role, limits, buffers, subprotocols, onRequest: options.onRequest });
  return Conn.open(conn, options);
}
