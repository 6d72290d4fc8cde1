import { untilAborted } from './abort.js';
import { startClient } from './conn.js';
import { HandshakeError, UsageError, refuse } from './errors.js';
import { fieldsOf, settingsOf } from './options.js';
import { platform } from './platform.js';
import { isRedirect, redirected } from './redirect.js';
import { toTransport } from './transport.js';
import { hostOf, parseUrl } from './url.js';

/** How long a whole dial may take unless it is set, in milliseconds. */
const HANDSHAKE = 45_000;

/** Opens WebSocket connections. */
export class Dialer {
  #options;

  /** @param {import('./index.js').DialerOptions} [options] */
  constructor(options = {}) {
    // What is wrong with them is told now.
    settingsOf(options, false).free();
    const { connect, jar, redirects = 0, tls } = options;
    const wrong = (name, what) => refuse(`\`${name}\` must be ${what}`, 'INVALID_OPTION');
    if (connect !== undefined && typeof connect !== 'function') wrong('connect', 'a function');
    if (jar && !(typeof jar.getCookieString === 'function' && typeof jar.setCookie === 'function')) wrong('jar', 'an object with getCookieString and setCookie');
    if (!(Number.isInteger(redirects) && redirects >= 0)) wrong('redirects', 'an integer from 0');
    if (tls !== undefined && (typeof tls !== 'object' || tls === null)) wrong('tls', 'an object');
    this.#options = { ...options, redirects, headers: fieldsOf(options.headers) };
  }

  async dial(url, options = {}) {
    const { redirects, connect = platform.connect, tls } = this.#options;
    let wanted = this.#wanted(url, options);
    if (!connect) throw new UsageError('UNSUPPORTED', 'this platform has no sockets: pass the option `connect`, or use fromWebSocket');
    return this.#inTime(options.signal, async (signal) => {
      for (let followed = 0; ; followed += 1) {
        try {
          const secure = wanted.url.protocol === 'https:';
          const target = { hostname: hostOf(wanted.url), port: Number(wanted.url.port) || (secure ? 443 : 80), secure, signal, tls };
          return await this.#open(() => connect(target), wanted, options, signal);
        } catch (error) {
          if (redirects === 0 || !isRedirect(error)) throw error;
          wanted = redirected(wanted, error, followed === redirects);
        }
      }
    });
  }

  async dialStream(stream, url, options = {}) {
    const wanted = this.#wanted(url, options);
    return this.#inTime(options.signal, (signal) => this.#open(() => stream, wanted, options, signal));
  }

  /** What is asked of which server at first. */
  #wanted(text, { headers }) {
    const { url, authorization } = parseUrl(text);
    const fields = fieldsOf(headers);
    const isIn = (list, name) => list.some(([other]) => other.toLowerCase() === name.toLowerCase());
    const all = [...this.#options.headers.filter(([name]) => !isIn(fields, name)), ...fields];
    if (authorization && !isIn(all, 'authorization')) all.push(['Authorization', authorization]);
    return { url, headers: all };
  }

  /** Begins something that ends with an abort, or when it has taken too long. */
  async #inTime(outer, begin) {
    outer?.throwIfAborted();
    const { handshake = HANDSHAKE } = this.#options.timeouts ?? {};
    const inner = new AbortController();
    const abort = () => inner.abort(outer.reason);
    outer?.addEventListener('abort', abort, { once: true });
    const over = () => inner.abort(new HandshakeError('TIMEOUT', `the connection was not open after ${handshake} ms`));
    const timer = handshake === null ? undefined : setTimeout(over, handshake);
    try {
      return await begin(inner.signal);
    } finally {
      clearTimeout(timer);
      outer?.removeEventListener('abort', abort);
    }
  }

  async #open(connect, { url, headers }, { subprotocols = this.#options.subprotocols, origin = this.#options.origin }, signal) {
    const { jar } = this.#options;
    const cookies = jar && (await untilAborted(signal, jar.getCookieString(url.href)));
    const options = { ...this.#options, subprotocols, origin, host: url.host, target: url.pathname + url.search, headers: withCookies(headers, cookies) };
    // Before anything is begun, so that what is wrong with them leaves nothing behind.
    const settings = settingsOf(options, false);
    let response;
    try {
      const stream = await untilAborted(signal, connect(), (late) => toTransport(late).destroy());
      const conn = await startClient(toTransport(stream), settings, { signal });
      response = conn.response;
      return conn;
    } catch (error) {
      response = error?.response;
      throw error;
    } finally {
      settings.free();
      if (jar && response) await untilAborted(signal, keepCookies(jar, response, url.href)).catch(() => {});
    }
  }
}

/** `new Dialer(options).dial(url)`. */
export async function dial(url, options = {}) {
  return new Dialer(options).dial(url, { signal: options.signal });
}

/** The header fields, with one `Cookie` for all cookies (RFC 6265 §5.4): the application's, then those of the jar. */
function withCookies(headers, jarred) {
  if (!jarred) return headers;
  const isCookie = ([name]) => name.toLowerCase() === 'cookie';
  const cookies = [...headers.filter(isCookie).map(([, value]) => value), jarred];
  return [...headers.filter((field) => !isCookie(field)), ['Cookie', cookies.join('; ')]];
}

async function keepCookies(jar, { headers }, url) {
  for (const [name, value] of headers) {
    if (name !== 'set-cookie') continue;
    try {
      await jar.setCookie(value, url);
    } catch {
      // It is malformed, or not for this server to set.
    }
  }
}
