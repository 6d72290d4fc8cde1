// How proxies are asked for a connection.

import { SockeyeError } from '../errors.js';
import { parseAddress } from './rules.js';

/** The way through a proxy failed. */
export class ProxyError extends SockeyeError {}

const MAX_HEAD = 16_384;
const MAX_READ = 65_536;

/**
 * What comes from a proxy and goes to it.
 * @typedef {object} Wire
 * @property {() => Promise<Uint8Array | null>} read
 * @property {(bytes: Uint8Array) => Promise<unknown>} write
 */

/**
 * Asks an HTTP proxy for a tunnel (RFC 9110 §9.3.6).
 * @param {Wire} wire
 * @param {string} server host and port
 * @param {string | null} authorization
 */
export async function askHttp(wire, server, authorization) {
  const shown = authorization ? `Proxy-Authorization: ${authorization}\r\n` : '';
  await wire.write(bytesOf(`CONNECT ${server} HTTP/1.1\r\nHost: ${server}\r\n${shown}\r\n`));
  let text = '';
  let start = 0;
  for (;;) {
    const end = text.indexOf('\r\n\r\n', start) + 4;
    if (end < 4) {
      // What does not begin as HTTP has no end to wait for.
      if (!'HTTP/1.'.startsWith(text.slice(start, start + 7))) throw notAProxy();
      if (text.length >= MAX_HEAD) throw new ProxyError('PROXY_RESPONSE_TOO_LONG', `the proxy's response is longer than ${MAX_HEAD} bytes`);
      text += String.fromCharCode(...(await some(wire)));
      continue;
    }
    const status = Number(/^HTTP\/1\.\d (\d{3})(?: [^\r\n]*)?\r\n/.exec(text.slice(start, end))?.[1]);
    if (status >= 100 && status < 200) {
      // It only announces another response. Together they may be as long as one.
      start = end;
    } else if (status >= 200 && status < 300) {
      // Whatever its header says, such a response has no body. And servers do not speak first.
      if (end !== text.length) throw unexpected();
      return;
    } else if (status === 407) {
      throw denied(authorization !== null);
    } else if (status >= 300 && status < 600) {
      throw new ProxyError('PROXY_REFUSED', `the proxy refuses to connect to the server: it answers ${status}`);
    } else {
      throw notAProxy();
    }
  }
}

/** What RFC 1928 §6 has for each reply. */
const REPLIES = [
  '',
  'general failure',
  'its rules do not allow it',
  'the network cannot be reached',
  'the host cannot be reached',
  'the connection was refused',
  'it took too long',
  'it does not know the command',
  'it does not know the kind of address',
];

/**
 * Asks a SOCKS5 proxy for a connection (RFC 1928, RFC 1929).
 * @param {Wire} wire
 * @param {string} host a name, or an address
 * @param {number} port
 * @param {{ name: string, password: string } | null} user
 */
export async function askSocks(wire, host, port, user) {
  let rest = new Uint8Array(0);
  const take = async (length) => {
    while (rest.length < length) rest = Uint8Array.from([...rest, ...(await some(wire))]);
    const taken = rest.subarray(0, length);
    rest = rest.subarray(length);
    return taken;
  };

  // RFC 1928 §3: no authentication (0) and, with something to show, user and password (2).
  await wire.write(Uint8Array.from(user ? [5, 2, 0, 2] : [5, 1, 0]));
  const [version, method] = await take(2);
  if (version !== 5) throw notAProxy();
  if (method === 0xff) throw denied(user !== null);
  if (method === 2 && user) {
    await wire.write(Uint8Array.from([1, ...short(user.name, 'user'), ...short(user.password, 'password')]));
    const [authentication, status] = await take(2);
    if (authentication !== 1) throw notAProxy();
    if (status !== 0) throw denied(true);
  } else if (method !== 0) {
    throw notAProxy();
  }

  // RFC 1928 §4: CONNECT (1).
  const address = parseAddress(host);
  const to = address ? [address.length === 4 ? 1 : 4, ...address] : [3, ...short(host, 'name of the server')];
  await wire.write(Uint8Array.from([5, 1, 0, ...to, port >> 8, port & 0xff]));
  const [again, reply, , kind] = await take(4);
  if (again !== 5) throw notAProxy();
  if (reply !== 0) throw new ProxyError('PROXY_REFUSED', `the proxy could not connect to the server: ${REPLIES[reply] ?? `reply ${reply}`}`);
  // The address that the proxy connects from is of no use, but comes before what the server says.
  const length = { 1: 4, 4: 16 }[kind] ?? (kind === 3 ? (await take(1))[0] : null);
  if (length === null) throw notAProxy();
  await take(length + 2);
  if (rest.length > 0) throw unexpected();
}

async function some(wire) {
  const chunk = await wire.read();
  if (chunk === null) throw new ProxyError('PROXY_CLOSED', 'the proxy ended the connection before it answered');
  // Its answers are short: what is longer is none.
  if (chunk.length > MAX_READ) throw unexpected();
  return chunk;
}

/** A length of one byte, and the text. */
function short(text, what) {
  if (text.length === 0 || text.length > 255) throw new ProxyError('PROXY_TOO_LONG', `the ${what} must have 1 to 255 bytes for SOCKS5`);
  return [text.length, ...bytesOf(text)];
}

function bytesOf(text) {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function denied(wasShown) {
  return wasShown
    ? new ProxyError('PROXY_AUTHENTICATION_REFUSED', 'the proxy does not accept this user and password')
    : new ProxyError('PROXY_AUTHENTICATION_REQUIRED', 'the proxy wants a user and a password: write them into its URL');
}

function notAProxy() {
  return new ProxyError('NOT_A_PROXY', 'what answers is not such a proxy: look at the scheme and the port of its URL');
}

function unexpected() {
  return new ProxyError('PROXY_UNEXPECTED_BYTES', 'the proxy sent bytes after its answer, before anything was asked of the server');
}
