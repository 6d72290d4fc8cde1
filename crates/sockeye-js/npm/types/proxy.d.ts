// The public types of sockeye/proxy, written by hand.
import { SockeyeError, Stream, Target } from './index.js';

/** How a proxy is used. */
export interface ProxyOptions {
  /** With a proxy of its own URL: the hosts that it is not for, written as in `NO_PROXY`. Default none. */
  except?: string;
  /** With `'environment'`: the variables, where the platform has none. Default: those of the process. */
  variables?: Record<string, string | undefined>;
  /** Settings of TLS on the way to an `https:` proxy, in the platform's words. Those of the way to the server are the dialer's. */
  tls?: object;
  /** Connects to the proxy, or to the server where there is no proxy for it. Default: the platform's sockets. */
  connect?(target: Target): Stream | Promise<Stream>;
}

/**
 * Connects through a proxy: give what this returns to a `Dialer` as `connect`.
 *
 * A proxy is a URL: `http:` and `https:` are asked with the CONNECT method (RFC 9110 §9.3.6), without and with TLS on the way to them;
 * `socks5:` and `socks5h:` speak SOCKS5 (RFC 1928): the first is given an address that is looked up here, the second the name. User and
 * password in it are shown to the proxy. The ports are 80, 443 and 1080 unless it has one.
 *
 * With `'environment'`, `HTTP_PROXY` is for `ws:`, `HTTPS_PROXY` for `wss:`, `ALL_PROXY` for both where they are not set; each also in lower
 * case. They are read once. `NO_PROXY` excepts hosts: a list with commas of names (their subdomains too), of addresses and networks such as
 * `10.0.0.0/8`, each with a port or without, or `*`. The local host and its addresses are never dialled through a proxy of the environment.
 * Where `REQUEST_METHOD` is set, `HTTP_PROXY` is ignored: in a CGI program it comes from a request (CVE-2016-5385).
 *
 * Throws a `UsageError`: `INVALID_PROXY` when it is not such a URL, `UNSUPPORTED` when the platform has no environment. What it returns rejects with
 * a `ProxyError`; with `INVALID_PROXY` for a variable that is not a proxy; with `UNSUPPORTED` where the platform speaks no TLS within TLS (an
 * `https:` proxy for a `wss:` server in Deno and workerd), or looks up no names (`socks5:` in workerd).
 */
export function throughProxy(proxy: 'environment' | (string & {}) | URL, options?: ProxyOptions): (target: Target) => Promise<Stream>;

/**
 * The way through a proxy failed: `PROXY_UNREACHABLE`, `PROXY_REFUSED`, `PROXY_AUTHENTICATION_REQUIRED`, `PROXY_AUTHENTICATION_REFUSED`,
 * `PROXY_CLOSED`, `PROXY_RESPONSE_TOO_LONG`, `PROXY_UNEXPECTED_BYTES`, `PROXY_TOO_LONG` (user, password or name of the server), `NOT_A_PROXY`.
 */
export class ProxyError extends SockeyeError {}
