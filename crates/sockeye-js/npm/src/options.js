// Settings, checked and handed to the engine one by one.

import { RawSettings, clear_headers as clearHeaders, stage_header as stageHeader } from './glue.js';
import * as core from './core.js';
import { UsageError, refuse } from './errors.js';

/** The numbers by which the engine knows its settings: see `src/settings.rs`. */
const LIMITS = { messageSize: 0, frameSize: 1, fragments: 2 };
const TIMEOUTS = { handshake: 10, pingInterval: 11, pong: 12, close: 13, message: 14 };
const DEFLATE = { level: 21, threshold: 22, serverNoContextTakeover: 23, clientNoContextTakeover: 24, serverMaxWindowBits: 25, clientMaxWindowBits: 26 };
/** What a value may be: least and most. */
const RANGES = { fragments: [1, 2 ** 32 - 1], level: [0, 9], serverMaxWindowBits: [8, 15], clientMaxWindowBits: [8, 15] };
/** The most bytes that fit into what the engine counts with. */
const MAX_SIZE = 2 ** 31 - 1;

const isRecord = (value) => typeof value === 'object' && value !== null;

/** A group of options, of which only these are known. */
function group(options, name, known) {
  const value = options[name] ?? {};
  if (!isRecord(value)) refuse(`\`${name}\` must be an object`, 'INVALID_OPTION');
  for (const key in value) if (!known.includes(key)) refuse(`\`${name}.${key}\` is not an option`, 'INVALID_OPTION');
  return value;
}

function number(value, name, [least, most]) {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value !== 'number' || !(value >= least && value <= most) || !Number.isInteger(value)) {
    refuse(`\`${name}\` must be an integer from ${least} to ${most}`, 'INVALID_OPTION');
  }
  return value;
}

/** Turns what the engine says is wrong, in so many bytes, into an exception. */
export function check(length, Class = UsageError) {
  if (length === 0) return;
  const [name, sentence] = core.said(length).split('\0');
  throw new Class(Class === UsageError ? 'INVALID_OPTION' : codeOf(name), sentence);
}

/** The code of an error that the engine names: `INVALID_UTF8` for `InvalidUtf8`. */
export const codeOf = (name) => name.replace(/(?!^)[A-Z]/g, '_$&').toUpperCase();

/** Header fields in the forms that callers have them. */
export function fieldsOf(headers) {
  if (!headers) return [];
  if (!isRecord(headers)) refuse('`headers` must be a record, pairs or Headers', 'INVALID_OPTION');
  const pairs = typeof headers[Symbol.iterator] === 'function' ? [...headers] : Object.entries(headers);
  for (const pair of pairs) {
    if (!Array.isArray(pair) || typeof pair[0] !== 'string' || typeof pair[1] !== 'string') refuse('a header field must have a name and a value, both strings', 'INVALID_OPTION');
  }
  return pairs;
}

/** Hands header fields over for the call that follows. */
export function stageHeaders(headers) {
  clearHeaders();
  for (const [name, value] of fieldsOf(headers)) check(stageHeader(core.putText(`${name}\0${value}`)));
}

/** The bounds that JavaScript keeps. */
export function buffers(options) {
  const { receiveBuffer = 2 ** 20, sendBuffer = 2 ** 20 } = options.limits ?? {};
  return { receiveBuffer: number(receiveBuffer, 'limits.receiveBuffer', [0, MAX_SIZE]), sendBuffer: number(sendBuffer, 'limits.sendBuffer', [0, MAX_SIZE]) };
}

/** The bounds that the engine keeps, all of them. */
export function limitsOf(options, before = { messageSize: 2 ** 20, frameSize: undefined, fragments: 131_072 }) {
  const limits = { ...before };
  const given = group(options, 'limits', [...Object.keys(LIMITS), 'receiveBuffer', 'sendBuffer']);
  for (const key in LIMITS) if (given[key] !== undefined) limits[key] = number(given[key], `limits.${key}`, RANGES[key] ?? [0, MAX_SIZE]);
  // What does not shrink grows a little when it is compressed.
  limits.frameSize ??= Math.min(MAX_SIZE, Math.max(limits.messageSize, 2 ** 20) + (limits.messageSize >> 10) + 1024);
  return limits;
}

/** Settings of the engine from options: the caller frees them. */
export function settings(options, isServer, { ask = false } = {}) {
  if (!core.isAttached()) refuse('the WebAssembly module is not loaded: call init or initSync first', 'NOT_LOADED');
  if (!isRecord(options)) refuse('the options must be an object', 'INVALID_OPTION');
  const raw = new RawSettings(isServer);
  try {
    const limits = limitsOf(options);
    for (const key in LIMITS) raw.number(LIMITS[key], limits[key]);
    const timeouts = group(options, 'timeouts', Object.keys(TIMEOUTS));
    for (const key in TIMEOUTS) {
      const value = timeouts[key];
      if (value === null) raw.number(TIMEOUTS[key], -1);
      else if (value !== undefined) raw.number(TIMEOUTS[key], number(value, `timeouts.${key}`, [1, MAX_SIZE]));
    }
    if (options.deflate) {
      raw.number(20, 1);
      const deflate = group(options.deflate === true ? {} : options, 'deflate', Object.keys(DEFLATE));
      for (const key in deflate) if (deflate[key] !== undefined) raw.number(DEFLATE[key], number(deflate[key], `deflate.${key}`, RANGES[key] ?? [0, MAX_SIZE]));
    }
    if (options.automaticPong === false) raw.number(30, 0);
    if (ask) raw.number(32, 1);
    const { subprotocols = [] } = options;
    if (!Array.isArray(subprotocols)) refuse('`subprotocols` must be an array of strings', 'INVALID_OPTION');
    for (const name of subprotocols) raw.subprotocol(core.putText(String(name)));
    if (isServer) {
      const { origins = 'same-host' } = options;
      if (origins === 'any') raw.any_origin();
      else if (Array.isArray(origins) && origins.length > 0) for (const origin of origins) raw.origin(core.putText(String(origin)));
      else if (origins !== 'same-host') refuse("`origins` must be 'same-host', 'any' or an array of patterns", 'INVALID_OPTION');
    } else {
      if (options.origin !== undefined) raw.origin(core.putText(String(options.origin)));
      if (options.host !== undefined) raw.host(core.putText(String(options.host)));
      if (options.target !== undefined) raw.target(core.putText(String(options.target)));
    }
    stageHeaders(options.headers);
    check(raw.finish());
    return raw;
  } catch (error) {
    raw.free();
    throw error;
  }
}

/** All that a connection is made of. `free` it once no more are to be made. */
export function settingsOf(options, isServer) {
  const kept = { limits: limitsOf(options), buffers: buffers(options), subprotocols: [...(options.subprotocols ?? [])] };
  // A server is always asked: connections know what their client wanted.
  const raw = settings(options, isServer, { ask: isServer });
  return { ...kept, raw, free: () => raw.free() };
}
