// Layer 0: the protocol for those who own the bytes.

import { RawEngine, RawFrames, RawPrepared, is_utf8 as isUtf8, send_error as sendError } from './glue.js';
import * as core from './core.js';
import { Assembly, ASCII, BINARY, CLOSED, FIN, FINISHED, HEADER, INPUT, MORE, OPEN, OPENED, OPENING, PING, PONG, REQUEST, TEXT } from './core.js';
import { SendError, refuse } from './errors.js';
import * as events from './events.js';
import { check, codeOf, limitsOf, settings, stageHeaders } from './options.js';

/** The codes of what sending may fail with, by number: see `src/describe.rs`. */
const SEND_CODES = ['', 'NOT_OPEN', 'CLOSE_SENT', 'CONTROL_TOO_LONG', 'INVALID_CLOSE_CODE', 'MESSAGE_UNFINISHED', 'INVALID_UTF8'];

/** Turns what a call of sending returned into an exception. */
export function sent(number) {
  if (number > 0) throw new SendError(SEND_CODES[number], core.said(sendError(number)));
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

/** Settings of compression as they were negotiated elsewhere. */
function negotiated(own, established) {
  if (established === true) return false;
  const wrong = () => refuse('`established` must be a boolean, or an object with the `deflate` that was negotiated, such as `permessage-deflate; client_no_context_takeover`', 'INVALID_OPTION');
  if (typeof established?.deflate !== 'string') wrong();
  const [name, ...parameters] = established.deflate.split(';').map((part) => part.trim());
  if (name !== 'permessage-deflate') wrong();
  const { level, threshold } = own ?? {};
  const deflate = { level, threshold, serverNoContextTakeover: false, clientNoContextTakeover: false, serverMaxWindowBits: 15, clientMaxWindowBits: 15 };
  for (const parameter of parameters) {
    const [key, value] = parameter.split('=').map((part) => part.trim().replaceAll('"', ''));
    const option = key.replace(/_./g, (letters) => letters[1].toUpperCase());
    if (key === 'level' || key === 'threshold' || !(option in deflate) || (value === undefined) !== (deflate[option] === false)) wrong();
    deflate[option] = value === undefined ? true : Number(value);
  }
  return deflate;
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
    const isEstablished = established !== false;
    const raw = settings(isEstablished ? { ...options, deflate: negotiated(options.deflate, established) } : options, role === 'server', { ask });
    try {
      this.#raw = new RawEngine(raw, core.now(), isEstablished);
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
    check(raw.admit(core.now(), core.putText(String(subprotocol ?? ''))));
    return this.#drain(this.#collect(raw.events(), []));
  }

  refuse(status, { headers, body = '' } = {}) {
    const raw = this.#live();
    if (!Number.isInteger(status)) refuse('a status must be an integer');
    stageHeaders(headers);
    check(raw.refuse(status, core.putText(String(body))));
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
    if (text && typeof data !== 'string' && !isUtf8(length)) sent(6);
    this.#raw = new RawPrepared(text, length);
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

/** Splits a byte stream of either direction into frames, whatever rules they break. */
export class FrameDecoder {
  #raw;
  #most;
  /** The frame under way, and the pieces of its payload. */
  #frame = null;
  #pieces = [];
  #kept = 0;
  /** Bytes of the stream so far, and those of complete frames. */
  #total;
  #done;

  constructor({ sender, payload = 2 ** 20, offset = 0 } = {}) {
    if (sender !== undefined && sender !== 'client' && sender !== 'server') refuse("`sender` must be 'client' or 'server'", 'INVALID_OPTION');
    if (!Number.isSafeInteger(payload) || payload < 0) refuse('`payload` must be a number of bytes', 'INVALID_OPTION');
    if (!Number.isSafeInteger(offset) || offset < 0) refuse('`offset` must be a number of bytes', 'INVALID_OPTION');
    this.#raw = new RawFrames(sender === 'client' ? 1 : sender === 'server' ? 2 : 0, offset);
    this.#most = payload;
    this.#total = this.#done = offset;
  }

  get pending() {
    return this.#total - this.#done;
  }

  get remaining() {
    return (this.#raw ?? gone()).remaining();
  }

  decode(chunk) {
    const raw = this.#raw ?? gone();
    if (!(chunk instanceof Uint8Array)) refuse('what is decoded must be a Uint8Array');
    if (chunk.length === 0) core.toBytes(chunk);
    const frames = [];
    for (let start = 0; start < chunk.length; start += INPUT) {
      const end = Math.min(chunk.length, start + INPUT);
      core.putInput(chunk, start, end);
      this.#collect(raw.decode(end - start), frames);
    }
    this.#total += chunk.length;
    return frames;
  }

  free() {
    this.#raw?.free();
    this.#raw = null;
  }

  [Symbol.dispose]() {
    this.free();
  }

  #collect(count, frames) {
    for (let at = core.records(); count > 0; count--, at += 4) {
      const head = core.word(at), address = core.word(at + 1), length = core.word(at + 2);
      if ((head & 0xff) === HEADER) {
        this.#frame = header(core.latin1(address, length));
        continue;
      }
      const kept = Math.min(length, this.#most - this.#kept);
      if (kept > 0) this.#pieces.push(core.copy(address, kept));
      this.#kept += kept;
      if (!(head & FIN)) continue;
      const frame = this.#frame;
      frame.payload = join(this.#pieces, this.#kept);
      frames.push(frame);
      this.#done = frame.offset + frame.headerLength + frame.payloadLength;
      this.#frame = null;
      this.#pieces = [];
      this.#kept = 0;
    }
  }
}

const gone = () => refuse('the decoder has been freed', 'FREED');

/** A frame from what `describe::header` says of it. */
function header(text) {
  const [offset, headerLength, payloadLength, first, mask, ...violations] = text.split('\n');
  const key = mask === '0' ? null : Number(mask) - 1;
  return {
    offset: Number(offset),
    headerLength: Number(headerLength),
    fin: (first & 0x80) !== 0,
    rsv1: (first & 0x40) !== 0,
    rsv2: (first & 0x20) !== 0,
    rsv3: (first & 0x10) !== 0,
    opcode: first & 0x0f,
    maskingKey: key === null ? null : Uint8Array.of(key >>> 24, (key >>> 16) & 0xff, (key >>> 8) & 0xff, key & 0xff),
    payloadLength: Number(payloadLength),
    payload: EMPTY,
    violations: violations.map(codeOf),
  };
}

const EMPTY = new Uint8Array(0);

function join(pieces, length) {
  if (pieces.length === 1) return pieces[0];
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
