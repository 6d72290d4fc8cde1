// Layer 0: the protocol for those who own the bytes.

import { RawEngine, RawPrepared, send_error as sendError } from './glue.js';
import * as core from './core.js';
import { Assembly, ASCII, BINARY, CLOSED, FIN, FINISHED, INPUT, MORE, OPEN, OPENED, OPENING, PING, PONG, REQUEST, TEXT } from './core.js';
import { SendError, refuse } from './errors.js';
import * as events from './events.js';
import { check, limitsOf, settings, stageHeaders } from './options.js';

/** The codes of what sending may fail with, by number: see `src/describe.rs`. */
const SEND_CODES = ['', 'NOT_OPEN', 'CLOSE_SENT', 'CONTROL_TOO_LONG', 'INVALID_CLOSE_CODE', 'MESSAGE_UNFINISHED', 'INVALID_UTF8'];

/** Turns what a call of sending returned into an exception. */
export function sent(number) {
  if (number > 0) throw new SendError(SEND_CODES[number], sendError(number));
}

/** Whether this kind of message is text; what is no kind is refused. */
export function isText(kind, byDefault) {
  if (kind === undefined) return byDefault;
  if (kind !== 'text' && kind !== 'binary') refuse("the kind of a message must be 'text' or 'binary'");
  return kind === 'text';
}

/** Puts what is to be sent where the next call looks for it, and returns its length. */
export const put = (data) => (typeof data === 'string' ? core.putText(data) : core.putBytes(core.toBytes(data)));

/** Puts the payload of a control frame there. */
export const putControl = (data) => (data === undefined ? 0 : put(data));

/** Puts a reason there, after a look at the code. */
export function putClose(code, reason) {
  if (code === undefined && reason === undefined) return 0;
  if (!Number.isInteger(code) || code < 1 || code > 65_535) throw new SendError('INVALID_CLOSE_CODE', 'a close code must be an integer from 1000 to 4999');
  if (reason !== undefined && typeof reason !== 'string') refuse('a close reason must be a string');
  return reason === undefined ? 0 : core.putText(reason);
}

/** A level of compression, checked. */
export function levelOf(level) {
  if (!Number.isInteger(level) || level < 0 || level > 9) refuse('the level of compression must be an integer from 0 to 9');
  return level;
}

/** One connection from its opening handshake to its end: chunks in, events out, and what is to be written. */
export class Engine {
  #raw;
  #role;
  #inParts;
  #limits;
  /** @type {Assembly | null} */
  #assembly = null;
  /** As the last report said. */
  #flags = 0;
  #deadline = Infinity;
  #pending = 0;
  #hasClosed = false;

  /** @param {import('./index.js').EngineOptions} options */
  constructor(options) {
    const { role, delivery = 'messages', established = false, ask = false } = options ?? refuse('an engine needs options, with a role', 'INVALID_OPTION');
    if (role !== 'server' && role !== 'client') refuse("`role` must be 'server' or 'client'", 'INVALID_OPTION');
    if (delivery !== 'messages' && delivery !== 'parts') refuse("`delivery` must be 'messages' or 'parts'", 'INVALID_OPTION');
    const raw = settings(options, role === 'server', { ask });
    try {
      this.#raw = new RawEngine(raw, core.now(), established === true);
    } finally {
      raw.free();
    }
    this.#role = role;
    this.#inParts = delivery === 'parts';
    this.#limits = limitsOf(options);
    if (this.#inParts) this.#applyLimits();
    this.#update();
  }

  get role() {
    return this.#role;
  }

  get state() {
    if (this.#hasClosed || !this.#raw) return 'closed';
    if (this.#flags & OPENING) return 'opening';
    return this.#flags & OPEN ? 'open' : 'closing';
  }

  get isFinished() {
    return (this.#flags & FINISHED) !== 0;
  }

  get pending() {
    return this.#pending;
  }

  get timeout() {
    return Math.max(0, this.#deadline - core.now());
  }

  receive(chunk) {
    return this.#feed(chunk, (raw, length, now) => raw.receive(length, now));
  }

  forward(chunk, to) {
    if (!(to instanceof Engine)) refuse('what is forwarded to must be an Engine');
    if (to === this) refuse('an engine cannot forward to itself');
    const other = to.#live();
    const happened = this.#feed(chunk, (raw, length, now) => raw.forward(length, now, other));
    other.report();
    to.#update();
    return happened;
  }

  receiveEnd(error) {
    const raw = this.#live();
    const length = error === undefined ? 0 : core.putText(String(error));
    return this.#collect(raw.end(error !== undefined, length), []);
  }

  tick() {
    return this.#collect(this.#live().receive(0, core.now()), []);
  }

  admit({ subprotocol, headers } = {}) {
    const raw = this.#live();
    stageHeaders(headers);
    check(raw.admit(core.now(), subprotocol));
    return this.#drain(this.#collect(raw.events(), []));
  }

  refuse(status, { headers, body = '' } = {}) {
    const raw = this.#live();
    if (!Number.isInteger(status)) refuse('a status must be an integer');
    stageHeaders(headers);
    check(raw.refuse(status, String(body)));
    return this.#collect(raw.events(), []);
  }

  send(data, { kind } = {}) {
    const raw = this.#live();
    const text = isText(kind, typeof data === 'string');
    this.#wrote(raw.send(text, put(data)));
  }

  sendPart(kind, data, fin) {
    const raw = this.#live();
    const text = isText(kind, false);
    this.#wrote(raw.send_part(text, put(data), fin === true));
  }

  sendPrepared(message) {
    const raw = this.#live();
    this.#wrote(raw.send_prepared(PreparedMessage.raw(message)));
  }

  ping(data) {
    const raw = this.#live();
    this.#wrote(raw.ping(putControl(data)));
  }

  pong(data) {
    const raw = this.#live();
    this.#wrote(raw.pong(putControl(data)));
  }

  close(code, reason) {
    const raw = this.#live();
    const length = putClose(code, reason);
    sent(raw.close(core.now(), code ?? (reason === undefined ? 0 : 1000), length));
    return this.#collect(raw.events(), []);
  }

  take() {
    const length = this.#live().take();
    this.#pending = 0;
    return core.taken(length);
  }

  setLimits(limits) {
    this.#live();
    this.#limits = limitsOf({ limits }, this.#limits);
    this.#applyLimits();
  }

  setCompression(compress) {
    this.#live().set_compression(Boolean(compress));
  }

  setCompressionLevel(level) {
    this.#live().set_compression_level(levelOf(level));
  }

  free() {
    this.#raw?.free();
    this.#raw = null;
    this.#assembly = null;
  }

  [Symbol.dispose]() {
    this.free();
  }

  #live() {
    return this.#raw ?? refuse('the engine has been freed', 'FREED');
  }

  #applyLimits() {
    const { messageSize, frameSize, fragments } = this.#limits;
    this.#raw.set_limits(messageSize, frameSize, fragments, this.#inParts ? Number.MAX_SAFE_INTEGER : messageSize);
  }

  #wrote(outcome) {
    sent(outcome);
    this.#pending = core.pending();
  }

  #update() {
    this.#flags = core.flags();
    this.#deadline = core.timeout();
    this.#pending = core.pending();
  }

  #feed(chunk, call) {
    const raw = this.#live();
    if (!(chunk instanceof Uint8Array)) refuse('what is received must be a Uint8Array');
    if (chunk.length === 0) core.toBytes(chunk);
    const happened = [];
    for (let start = 0; start < chunk.length; start += INPUT) {
      const end = Math.min(chunk.length, start + INPUT);
      core.putInput(chunk, start, end);
      this.#drain(this.#collect(call(raw, end - start, core.now()), happened), call);
    }
    return happened;
  }

  /** Takes what had to wait for room in a batch. */
  #drain(happened, call = (raw, length, now) => raw.receive(length, now)) {
    while (this.#flags & MORE) this.#collect(call(this.#raw, 0, core.now()), happened);
    return happened;
  }

  #collect(count, happened) {
    let at = core.records();
    this.#update();
    for (; count > 0; count--, at += 4) {
      const head = core.word(at), address = core.word(at + 1), length = core.word(at + 2);
      switch (head & 0xff) {
        case TEXT:
        case BINARY:
          this.#data(head, address, length, count === 1, happened);
          break;
        case PING:
          happened.push({ type: 'ping', data: core.copy(address, length) });
          break;
        case PONG:
          happened.push({ type: 'pong', data: core.copy(address, length) });
          break;
        case REQUEST:
          happened.push({ type: 'request', request: events.request(address, length) });
          break;
        case OPENED:
          happened.push({ type: 'open', ...events.opened(address, length) });
          break;
        case CLOSED:
          this.#hasClosed = true;
          this.#assembly = null;
          happened.push({ type: 'close', close: events.closed(address, length, core.word(at + 3)) });
      }
    }
    return happened;
  }

  #data(head, address, length, isLast, happened) {
    const text = (head & 0xff) === TEXT;
    const fin = (head & FIN) !== 0;
    if (this.#inParts) {
      happened.push({ type: 'part', kind: text ? 'text' : 'binary', data: core.copy(address, length), fin });
    } else if (fin && !this.#assembly) {
      happened.push({ type: 'message', data: text ? core.text(address, length, (head & ASCII) !== 0) : core.copy(address, length) });
    } else {
      this.#assembly ??= new Assembly(text);
      this.#assembly.add(address, length, isLast ? core.remaining() : 0);
      if (!fin) return;
      happened.push({ type: 'message', data: this.#assembly.finish() });
      this.#assembly = null;
    }
  }
}

/** A message to be sent on many connections. */
export class PreparedMessage {
  #raw;

  constructor(data, { kind } = {}) {
    const text = isText(kind, typeof data === 'string');
    const length = put(data);
    try {
      this.#raw = new RawPrepared(text, length);
    } catch (sentence) {
      throw new SendError('INVALID_UTF8', String(sentence));
    }
  }

  /** What the engine knows it by. */
  static raw(message) {
    if (!(message instanceof PreparedMessage)) refuse('what is sent must be a PreparedMessage');
    return message.#raw ?? refuse('the message has been freed', 'FREED');
  }

  free() {
    this.#raw?.free();
    this.#raw = null;
  }

  [Symbol.dispose]() {
    this.free();
  }
}
