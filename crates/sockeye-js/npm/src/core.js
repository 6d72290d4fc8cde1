// The WebAssembly memory: how bytes go in and come out. Nothing here knows what a connection is.

import { input_address as inputAddress, report_address as reportAddress, stage } from './glue.js';
import { refuse } from './errors.js';

/** Most bytes of input in one call. */
export const INPUT = 65_536;
/** What an event is. The order is that of `Kind` in `src/io.rs`. */
export const REQUEST = 0, OPENED = 1, TEXT = 2, BINARY = 3, PING = 4, PONG = 5, CLOSED = 6, HEADER = 7;
/** What is said of an event's bytes, as in `src/io.rs`. */
export const FIN = 0x100, ASCII = 0x200, IN_PLACE = 0x400;
/** How an engine stands, as in `src/engine.rs`. */
export const MORE = 1, FINISHED = 2, OPEN = 4, OPENING = 8, VIOLATED = 16;

/** The linear memory, in three views. They are made anew when it grows. */
let memory, u8, u32, f64;
/** The same as a `Buffer`, where the platform has fast ones. */
let buffer;
/** Where input goes, and where reports are. */
let input, report;
let staging, stagingLength = 0;

const NodeBuffer = typeof Buffer === 'function' && typeof Buffer.prototype.latin1Slice === 'function' ? Buffer : null;
const encoder = new TextEncoder();
// A byte order mark is a character like any other here.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Begins to work on an instance. */
export function attach(exports) {
  memory = exports.memory;
  renew();
  input = inputAddress();
  report = reportAddress();
  staging = stage(0) >>> 0;
  stagingLength = INPUT;
  renew();
}

function renew() {
  const bytes = memory.buffer;
  u8 = new Uint8Array(bytes);
  u32 = new Uint32Array(bytes);
  f64 = new Float64Array(bytes);
  buffer = NodeBuffer && NodeBuffer.from(bytes);
}

/** To be called after whatever may have made the memory grow, which detaches all views. */
const refresh = () => {
  if (u8.length === 0) renew();
};

/** Whether there is an instance. */
export const isAttached = () => memory !== undefined;

/** Size of the linear memory in bytes. It never shrinks. */
export const memorySize = () => memory.buffer.byteLength;

/** Milliseconds since an origin. */
export const now = () => performance.now();

// --- What a call left behind. ---

/** When the engine wants to be called at the latest. */
export const timeout = () => {
  refresh();
  return f64[report >> 3];
};
/** Bytes of output that wait. */
export const pending = () => {
  refresh();
  return u32[(report >> 2) + 4];
};
export const flags = () => {
  refresh();
  return u32[(report >> 2) + 5];
};
/** How many bytes of the frame under way have not come. */
export const remaining = () => u32[(report >> 2) + 6];
/** Index of the records' first word. They have four: kind and flags, address, length, number. */
export const records = () => {
  refresh();
  return u32[(report >> 2) + 2] >> 2;
};
export const word = (index) => u32[index];

// --- In. ---

/** Puts what was read where an engine takes it. At most `INPUT` bytes. */
export function putInput(chunk, start, end) {
  refresh();
  u8.set(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end), input);
}

/** Puts bytes where the next call looks for them. */
export function putBytes(bytes) {
  const length = bytes.length;
  refresh();
  if (length > stagingLength || stagingLength > INPUT) room(length);
  u8.set(bytes, staging);
  return length;
}

/** Puts text there as UTF-8; what is no character becomes U+FFFD. Returns its length in bytes. */
export function putText(text) {
  const most = text.length * 3;
  refresh();
  if (most > stagingLength || stagingLength > INPUT) {
    if (most > INPUT) return putBytes(encode(text));
    room(0);
  }
  if (buffer) return buffer.utf8Write(text, staging, most);
  return encoder.encodeInto(text, u8.subarray(staging, staging + most)).written;
}

function room(length) {
  staging = stage(length) >>> 0;
  stagingLength = Math.max(length, INPUT);
  refresh();
}

/** Text as bytes of its own. */
export const encode = (text) => (NodeBuffer ? NodeBuffer.from(text, 'utf8') : encoder.encode(text));

// --- Out. ---

/** Room for that many bytes, not cleared. Small ones share a slab. */
const allocate = (length) => (NodeBuffer ? NodeBuffer.allocUnsafe(length) : new Uint8Array(length));

/** A copy of the bytes at this address. */
export function copy(address, length) {
  if (!buffer) return u8.slice(address, address + length);
  const bytes = NodeBuffer.allocUnsafe(length);
  if (length < 64) for (let i = 0; i < length; i++) bytes[i] = u8[address + i];
  else buffer.copy(bytes, 0, address, address + length);
  return bytes;
}

/** The text at this address. */
export function text(address, length, isAscii) {
  if (buffer) return isAscii ? buffer.latin1Slice(address, address + length) : buffer.utf8Slice(address, address + length);
  return decoder.decode(u8.subarray(address, address + length));
}

/** The characters at this address, a byte each. */
export function latin1(address, length) {
  let characters = '';
  for (let i = 0; i < length; i++) characters += String.fromCharCode(u8[address + i]);
  return characters;
}

/** Copies bytes of the input back to where they came from, and returns the chunk's part. */
export function putBack(address, length, chunk, start) {
  const at = start + address - input;
  const part = chunk.subarray(at, at + length);
  if (length < 64) for (let i = 0; i < length; i++) part[i] = u8[address + i];
  else part.set(u8.subarray(address, address + length));
  return part;
}

/** What `take` has taken, `length` bytes of it. */
export function taken(length) {
  refresh();
  return copy(u32[(report >> 2) + 3], length);
}

/** What the call before has to say, in `length` bytes. */
export function said(length) {
  refresh();
  return text(u32[(report >> 2) + 3], length, false);
}

/** The same, a byte for each character. */
export function saidLatin1(length) {
  refresh();
  return latin1(u32[(report >> 2) + 3], length);
}

/** Text as it is in `bytes`, which are UTF-8. */
export const decode = (bytes) => (NodeBuffer && bytes instanceof NodeBuffer ? bytes.utf8Slice(0, bytes.length) : decoder.decode(bytes));

/** A message that comes in parts. */
export class Assembly {
  #bytes;
  #length = 0;

  constructor(isText) {
    this.isText = isText;
    this.#bytes = new Uint8Array(0);
  }

  /** Adds bytes of the linear memory, of which `left` more have been announced. */
  add(address, length, left) {
    const needed = this.#length + length;
    if (needed > this.#bytes.length) {
      // What was only announced is never reserved: at most four times what has come, and in big steps, because each one is a copy.
      // Many small frames announce little each: doubling keeps the copies few.
      const grown = allocate(Math.max(needed + Math.min(left, 3 * needed), 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(u8.subarray(address, address + length), this.#length);
    this.#length = needed;
  }

  /** The message. */
  finish() {
    const bytes = this.#bytes.length === this.#length ? this.#bytes : this.#bytes.subarray(0, this.#length);
    if (this.isText) return decode(bytes);
    // A small message does not keep a large buffer.
    return bytes.length * 2 < this.#bytes.length ? bytes.slice() : bytes;
  }
}

// --- What callers bring. ---

/** The bytes of what can be sent but is no string. */
export function toBytes(data) {
  let bytes = data;
  if (ArrayBuffer.isView(data)) {
    if (!(data instanceof Uint8Array)) bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (data.byteLength === 0 && isDetached(data.buffer)) refuse('the buffer is detached', 'DETACHED');
  } else if (data instanceof ArrayBuffer || (typeof SharedArrayBuffer === 'function' && data instanceof SharedArrayBuffer)) {
    if (data.byteLength === 0 && isDetached(data)) refuse('the buffer is detached', 'DETACHED');
    bytes = new Uint8Array(data);
  } else {
    refuse('what is sent must be a string, an ArrayBuffer or a view of one');
  }
  return bytes;
}

function isDetached(buffer) {
  if ('detached' in buffer) return buffer.detached;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}
