// Connections over the platform's own WebSocket: from its API, or one end of a WebSocketPair.

import { decode, toBytes } from './core.js';
import { Engine } from './engine.js';
import { CloseError, HandshakeError, ProtocolError, SendError, TransportError, refuse } from './errors.js';
import { buffers } from './options.js';

/** What no WebSocket of a platform can do. */
const ABILITIES = Object.freeze({ ping: false, backpressure: false, streams: false, readLimit: false, compression: false });

const CONNECTING = 0;
const OPEN = 1;

/** How long, in milliseconds, after an `error` event the `close` event may take: not every platform sends one. */
const CLOSE_AFTER_ERROR = 1000;

/** A send queue this many times longer than what `send` asks to wait for is full. */
const PATIENCE = 16;

/** How often, in milliseconds, `bufferedAmount` is looked at while `send` waits: no event tells that it has become less. */
const POLL_INTERVAL = 20;

/** Longest reason of a Close frame in bytes: a control frame holds 125, and the code takes two (RFC 6455 §5.5.1). */
const MAX_REASON_LENGTH = 123;

/** Longest delay that `setTimeout` takes. */
const MAX_DELAY = 0x7fff_ffff;

/**
 * Wraps the platform's WebSocket. Call it before the turn ends in which the socket was made: what comes earlier is lost.
 *
 * @param {WebSocket} socket from `new WebSocket(…)`, `Deno.upgradeWebSocket`, or one end of a `WebSocketPair`, which is accepted
 * @param {object} [options] `limits`, `timeouts`, `signal`
 * @returns {Promise<PlatformConn>} once it is open; rejects with a `HandshakeError`, or the reason of the signal
 */
export async function fromWebSocket(socket, options = {}) {
  return open(socket, options, null);
}

/**
 * Answers a request with a `WebSocketPair`.
 *
 * @param {Request} request
 * @param {object} [options] `origins`, `subprotocols`, `headers`, as an `Upgrader` takes them
 * @returns {{ response: Response, conn: Promise<PlatformConn> }} what to return from `fetch`, also when the request is refused: then
 *   `conn` rejects with a `HandshakeError`
 */
export function upgradeToPair(request, options = {}) {
  if (typeof WebSocketPair !== 'function') {
    refuse('this platform has no WebSocketPair', 'UNSUPPORTED');
  }
  const { origins, subprotocols, headers } = options;
  const { head, error } = negotiate(request, { origins, subprotocols, headers });
  if (error) {
    const conn = Promise.reject(error);
    // The response tells the client; whoever does not look at `conn` has nothing left to do.
    conn.catch(() => {});
    return { response: new Response(head.body || null, { status: head.status, headers: head.headers }), conn };
  }
  const { 0: theirs, 1: ours } = new WebSocketPair();
  const response = new Response(null, { status: 101, webSocket: theirs, headers: head.headers });
  return { response, conn: open(ours, {}, head.headers.get('sec-websocket-protocol')) };
}

/** Runs a request through the server's handshake: what is to be answered, and why it is refused, if it is. */
function negotiate(request, options) {
  const engine = new Engine({ role: 'server', timeouts: { handshake: null }, ...options });
  try {
    const end = engine.receive(requestHead(request)).find(({ type }) => type === 'close');
    return { head: responseHead(engine.take()), error: end?.close.error ?? null };
  } finally {
    engine.free();
  }
}

/** The first bytes of the request, as they came or could have come. */
function requestHead(request) {
  const url = new URL(request.url);
  const fields = new Headers(request.headers);
  // A platform keeps these to itself, and a request that was made by another worker never had them.
  if (/websocket/i.test(fields.get('upgrade') ?? '')) {
    for (const [name, value] of [['connection', 'Upgrade'], ['sec-websocket-version', '13'], ['sec-websocket-key', 'AAAAAAAAAAAAAAAAAAAAAA==']]) {
      if (!fields.has(name)) fields.set(name, value);
    }
  }
  if (!fields.has('host')) fields.set('host', url.host);
  let head = `${request.method} ${url.pathname}${url.search} HTTP/1.1\r\n`;
  for (const [name, value] of fields) head += `${name}: ${value}\r\n`;
  // Header values are bytes, one for each character.
  return Uint8Array.from(`${head}\r\n`, (character) => character.charCodeAt(0));
}

/** Fields of the 101 that the platform writes. */
const PLATFORM_FIELDS = new Set(['connection', 'upgrade', 'sec-websocket-accept', 'sec-websocket-extensions']);
/** Fields of a refusal that the platform writes. */
const BODY_FIELDS = new Set(['connection', 'content-length']);

function responseHead(bytes) {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  const end = text.indexOf('\r\n\r\n');
  const [start, ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(start.split(' ', 2)[1]);
  const headers = new Headers();
  const fields = status === 101 ? PLATFORM_FIELDS : BODY_FIELDS;
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    if (!fields.has(name.toLowerCase())) headers.append(name, line.slice(colon + 1).trim());
  }
  return { status, headers, body: bytes.slice(end + 4) };
}

/** Waits until the socket is open. */
async function open(socket, { limits = {}, timeouts = {}, signal }, subprotocol) {
  if (typeof socket?.addEventListener !== 'function' || typeof socket.send !== 'function') {
    refuse('the socket must be a WebSocket');
  }
  const settings = {
    ...buffers({ limits }),
    close: delay(timeouts.close, 5000, 'timeouts.close'),
    subprotocol,
  };
  const handshake = delay(timeouts.handshake, 45_000, 'timeouts.handshake');
  signal?.throwIfAborted();
  // A Blob can only be read asynchronously: messages would be reordered.
  socket.binaryType = 'arraybuffer';
  if (socket.readyState === OPEN) {
    const conn = new PlatformConn(socket, settings);
    // One end of a WebSocketPair says nothing until it is accepted; what `new WebSocket` made refuses to be.
    if (typeof socket.accept === 'function') acceptPair(socket);
    return conn;
  }
  if (socket.readyState !== CONNECTING) refuse('the WebSocket is already closing or closed');
  return new Promise((resolve, reject) => {
    const listeners = { open: opened, error: refused, close: refused };
    const stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      for (const type in listeners) socket.removeEventListener(type, listeners[type]);
    };
    const timer = after(handshake, () => fail(new HandshakeError('TIMEOUT', 'the handshake took too long')));
    for (const type in listeners) socket.addEventListener(type, listeners[type]);
    signal?.addEventListener('abort', aborted);

    function opened() {
      stop();
      // At once: the first message may come in the same turn.
      resolve(new PlatformConn(socket, settings));
    }
    function refused({ message, reason }) {
      fail(new HandshakeError('REFUSED', message || reason || 'the WebSocket could not be opened'));
    }
    function aborted() {
      fail(signal.reason);
    }
    function fail(error) {
      stop();
      // Closing reports another error to whoever listens; where nobody does, some platforms end the program.
      socket.addEventListener('error', () => {});
      quietly(() => socket.close());
      reject(error);
    }
  });
}

function acceptPair(socket) {
  try {
    socket.accept();
  } catch (error) {
    // A WebSocket made with `new` runs by itself.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** A connection over the platform's own `WebSocket`: what it lacks is not there. */
class PlatformConn {
  #socket;
  #settings;
  #state = 'open';
  #subprotocol;
  /** Messages that nobody has asked for, and about how many bytes they have. */
  #queue = [];
  #queued = 0;
  /** Calls of `receive` that wait for a message. */
  #receivers = [];
  #onmessages = null;
  #onclose = null;
  #draining = null;
  /** Who began the closing handshake, once somebody has. */
  #initiator = null;
  #error = null;
  #close = null;
  #closeTimer = undefined;
  #settleClosed;
  #closed;

  constructor(socket, settings) {
    this.#socket = socket;
    this.#settings = settings;
    this.#subprotocol = settings.subprotocol || socket.protocol || null;
    this.#closed = new Promise((resolve) => (this.#settleClosed = resolve));
    socket.addEventListener('message', (event) => this.#received(event.data));
    socket.addEventListener('error', (event) => this.#failed(event));
    socket.addEventListener('close', (event) => this.#ended(event));
  }

  get abilities() {
    return ABILITIES;
  }

  get socket() {
    return this.#socket;
  }

  get state() {
    // The peer's Close frame shows there first.
    return this.#state === 'open' && this.#socket.readyState !== OPEN ? 'closing' : this.#state;
  }

  get subprotocol() {
    return this.#subprotocol;
  }

  get extensions() {
    return this.#socket.extensions || null;
  }

  get bufferedAmount() {
    return this.#socket.bufferedAmount ?? 0;
  }

  get closed() {
    return this.#closed;
  }

  get onmessages() {
    return this.#onmessages;
  }

  set onmessages(handler) {
    if (handler !== null && typeof handler !== 'function') refuse('`onmessages` must be a function or null');
    this.#onmessages = handler;
    if (handler && this.#queue.length > 0) {
      const messages = this.#queue;
      this.#queue = [];
      this.#queued = 0;
      handler.call(this, messages);
    }
  }

  get onclose() {
    return this.#onclose;
  }

  set onclose(handler) {
    this.#onclose = handler;
    // Whoever comes late hears of it too.
    if (handler && this.#close) queueMicrotask(() => handler.call(this, this.#close));
  }

  receive({ signal } = {}) {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#queue.length > 0) {
      const message = this.#queue.shift();
      this.#queued -= weight(message);
      return Promise.resolve(message);
    }
    if (this.#close) return this.#outcome();
    return new Promise((resolve, reject) => {
      const receiver = { resolve, reject, stop: new AbortController() };
      this.#receivers.push(receiver);
      signal?.addEventListener('abort', () => {
        this.#receivers.splice(this.#receivers.indexOf(receiver), 1);
        reject(signal.reason);
      }, { signal: receiver.stop.signal });
    });
  }

  async receiveJson(options) {
    const message = await this.receive(options);
    return message === null ? null : JSON.parse(typeof message === 'string' ? message : decode(message));
  }

  send(data) {
    const message = typeof data === 'string' ? data : ownBytes(data);
    if (this.state !== 'open') throw new SendError('CLOSE_SENT', 'the connection is closing, or closed');
    const { sendBuffer } = this.#settings;
    if (this.#draining && this.bufferedAmount > sendBuffer * PATIENCE) {
      throw new SendError('QUEUE_FULL', 'too much waits to be sent: wait for the promise that `send` returns');
    }
    this.#socket.send(message);
    return this.bufferedAmount <= sendBuffer ? Promise.resolve() : this.#drained();
  }

  sendJson(value) {
    const text = JSON.stringify(value);
    if (text === undefined) refuse('this value has no form in JSON');
    return this.send(text);
  }

  close(code, reason) {
    if (code === undefined && reason !== undefined) code = 1000;
    if (code !== undefined && !isSendable(code)) throw new SendError('INVALID_CLOSE_CODE', 'this close code must not be sent');
    if (reason !== undefined && typeof reason !== 'string') refuse('a close reason must be a string');
    if (reason && new TextEncoder().encode(reason).length > MAX_REASON_LENGTH) {
      throw new SendError('CONTROL_TOO_LONG', `a close reason must have at most ${MAX_REASON_LENGTH} bytes`);
    }
    if (this.#state === 'open') {
      try {
        if (code === undefined) this.#socket.close();
        else this.#socket.close(code, reason ?? '');
      } catch (error) {
        throw new SendError('INVALID_CLOSE_CODE', `the WebSocket of this platform does not send the close code ${code}`, { cause: error });
      }
      this.#closing();
    }
    return this.#closed;
  }

  abort() {
    if (this.#close) return;
    this.#initiator ??= 'local';
    // Nothing of the platform ends the byte stream; where there is such a method it is called terminate.
    quietly(() => (typeof this.#socket.terminate === 'function' ? this.#socket.terminate() : this.#socket.close()));
    this.#finish(1006, '', false);
  }

  async *[Symbol.asyncIterator]() {
    try {
      for (let message; (message = await this.receive()) !== null; ) yield message;
    } finally {
      if (!this.#close) await this.close();
    }
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  /** Takes a message from the platform. */
  #received(data) {
    if (this.#close || this.#error) return;
    const message = typeof data === 'string' ? data : new Uint8Array(data);
    if (this.#onmessages) {
      this.#onmessages([message]);
      return;
    }
    const receiver = this.#receivers.shift();
    if (receiver) {
      receiver.stop.abort();
      receiver.resolve(message);
      return;
    }
    const queued = this.#queued + weight(message);
    // A message that waits alone is in memory already: the platform bounds it.
    if (queued > this.#settings.receiveBuffer && this.#queue.length > 0) {
      this.#overflow();
      return;
    }
    this.#queue.push(message);
    this.#queued = queued;
  }

  /** The platform cannot stop the peer: what does not fit can only be refused for good. */
  #overflow() {
    const { receiveBuffer } = this.#settings;
    this.#error = new ProtocolError('RECEIVE_BUFFER_FULL', `more than ${receiveBuffer} bytes of messages wait to be received`);
    this.#error.closeCode = 1008;
    // A browser's WebSocket sends no codes of the protocol's own: 4008 says it as well as can be.
    for (const code of [1008, 4008]) {
      if (quietly(() => this.#socket.close(code, 'messages are not being received fast enough'))) break;
    }
    this.#closing();
  }

  #closing() {
    this.#state = 'closing';
    this.#initiator ??= 'local';
    this.#closeTimer ??= after(this.#settings.close, () => {
      this.#error ??= new ProtocolError('CLOSE_TIMEOUT', 'the peer did not answer the close frame in time');
      this.abort();
    });
  }

  #failed(event) {
    if (this.#close) return;
    this.#error ??= new TransportError('TRANSPORT', event.message || 'the WebSocket failed', { cause: event.error });
    this.#closeTimer ??= after(CLOSE_AFTER_ERROR, () => this.#finish(1006, '', false));
  }

  #ended({ code: reported, reason: words, wasClean }) {
    // Without a Close frame Deno reports 0, and workerd words of its own.
    const code = reported || 1006;
    const reason = code === 1006 ? '' : words;
    // Where the platform leaves the closing handshake to us, this is the other half of it; elsewhere it does nothing.
    if (code !== 1006 && this.#socket.readyState !== 3) quietly(() => (isSendable(code) ? this.#socket.close(code, reason) : this.#socket.close()));
    this.#finish(code, reason, wasClean);
  }

  #finish(code, reason, clean) {
    if (this.#close) return;
    clearTimeout(this.#closeTimer);
    this.#state = 'closed';
    const initiator = this.#initiator ?? (code === 1006 ? 'transport' : 'peer');
    if (initiator === 'transport') this.#error ??= new ProtocolError('UNEXPECTED_END', 'the connection ended without a close frame');
    this.#close = Object.freeze({ code, closeCode: code, reason, initiator, clean, error: this.#error });
    this.#settleClosed(this.#close);
    for (const receiver of this.#receivers.splice(0)) {
      receiver.stop.abort();
      this.#outcome().then(receiver.resolve, receiver.reject);
    }
    this.#draining?.end();
    this.#onclose?.(this.#close);
  }

  /** What `receive` says once the connection has ended. */
  async #outcome() {
    if (this.#close.clean && !this.#close.error) return null;
    throw new CloseError(this.#close);
  }

  /** Waits until less than the send buffer has not gone out, or the connection has ended. */
  #drained() {
    this.#draining ??= (() => {
      const draining = {};
      draining.promise = new Promise((resolve) => {
        draining.end = () => {
          clearInterval(draining.timer);
          this.#draining = null;
          resolve();
        };
        draining.timer = setInterval(() => this.bufferedAmount <= this.#settings.sendBuffer && draining.end(), POLL_INTERVAL);
      });
      return draining;
    })();
    return this.#draining.promise;
  }
}

/** Whether an endpoint may send this close code (RFC 6455 §7.4). */
function isSendable(code) {
  return Number.isInteger(code) && ((code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999));
}

/** Bytes that the platform's `send` may keep. */
function ownBytes(data) {
  const bytes = toBytes(data);
  // workerd keeps a reference and reads the bytes later; shared memory is refused everywhere.
  return typeof WebSocketPair === 'function' || !(bytes.buffer instanceof ArrayBuffer) ? bytes.slice() : bytes;
}

/** About how many bytes a message keeps. */
const weight = (message) => 64 + message.length;

function delay(value, preset, name) {
  if (value === undefined) return preset;
  if (value !== null && !(typeof value === 'number' && value >= 0)) refuse(`\`${name}\` must be a number of milliseconds, or null`, 'INVALID_OPTION');
  return value;
}

/** Calls back after so many milliseconds; never for `null`. */
function after(milliseconds, callback) {
  if (milliseconds === null) return undefined;
  const timer = setTimeout(callback, Math.min(milliseconds, MAX_DELAY));
  timer.unref?.();
  return timer;
}

/** Whether this could be done. */
function quietly(action) {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}
