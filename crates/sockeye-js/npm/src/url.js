import { UsageError } from './errors.js';

/**
 * Reads a URL that can be dialled. User and password come back as the value of `Authorization` (RFC 7617).
 * @param {string | URL} text
 * @returns {{ url: URL, authorization: string | null }} the URL with the scheme `http:` or `https:`, without user and password
 * @throws {UsageError} `INVALID_URL`. The message does not repeat the URL, which may have a password in it.
 */
export function parseUrl(text) {
  let url;
  try {
    url = new URL(text);
  } catch {
    throw invalid('it is not a URL such as wss://example.com/');
  }
  // RFC 6455 §3: a fragment has no meaning, and must not be used. An empty one is in no property but `href`.
  if (url.href.includes('#')) throw invalid('it has a fragment: write # as %23');
  return stripped(url);
}

/**
 * The same for a URL that was read already, without its fragment.
 * @param {URL} url
 */
export function stripped(url) {
  const scheme = { 'ws:': 'http:', 'wss:': 'https:', 'http:': 'http:', 'https:': 'https:' }[url.protocol];
  if (!scheme) throw invalid(`the scheme ${url.protocol} is not known: use ws: or wss:`);
  if (url.port === '0') throw invalid('nothing listens on port 0');
  const authorization = credentials(url);
  const target = new URL(url);
  target.protocol = scheme;
  target.username = target.password = target.hash = '';
  return { url: target, authorization };
}

/**
 * User and password of a URL as Basic credentials, or `null`.
 * @param {URL} url
 */
export function credentials({ username, password }) {
  return username || password ? `Basic ${btoa(`${percentDecoded(username)}:${percentDecoded(password)}`)}` : null;
}

/** The bytes of this part of a URL, each as a character. */
export function percentDecoded(text) {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

/** The name or address in a URL, an IPv6 address without brackets. */
export function hostOf(url) {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function invalid(reason) {
  return new UsageError('INVALID_URL', `the URL cannot be dialled: ${reason}`);
}
