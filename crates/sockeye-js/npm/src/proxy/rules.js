// Which proxy is for which host.

import { credentials, hostOf, percentDecoded } from '../url.js';

const PORTS = { http: 80, https: 443, socks5: 1080, socks5h: 1080 };

/**
 * What a proxy's URL says.
 * @typedef {object} Proxy
 * @property {'http' | 'https' | 'socks5' | 'socks5h'} scheme
 * @property {string} hostname
 * @property {number} port
 * @property {{ name: string, password: string } | null} user Each character is a byte.
 * @property {string | null} authorization
 */

/**
 * Reads a proxy's URL. Without a scheme it is HTTP.
 * @param {string} text
 * @returns {Proxy | string} what is wrong with it, without repeating it: it may have a password in it
 */
export function parseProxy(text) {
  const [, name = 'http', rest] = /^(?:(.*?):\/\/)?(.*?)\/*$/s.exec(text.trim());
  const scheme = name.toLowerCase();
  if (!Object.hasOwn(PORTS, scheme)) return 'its scheme is not http, https, socks5 or socks5h';
  let url;
  try {
    // Read as https, the host is checked; its default port is then the only one that is not told from none.
    url = new URL(`https://${rest}`);
  } catch {
    return 'it is not a URL such as http://proxy.example:8080';
  }
  const port = url.port || (rest.endsWith(':443') ? 443 : PORTS[scheme]);
  const user = url.username ? { name: percentDecoded(url.username), password: percentDecoded(url.password) } : null;
  return { scheme, hostname: hostOf(url), port: Number(port), user, authorization: credentials(url) };
}

/**
 * The rules of the environment: `HTTP_PROXY` is for `ws:`, `HTTPS_PROXY` for `wss:`, `ALL_PROXY` for both where they are not set, each also
 * in lower case.
 * @param {Record<string, string | undefined>} variables
 * @returns {(target: { secure: boolean, hostname: string, port: number }) => { name: string, proxy: Proxy | string } | null}
 */
export function environmentRules(variables) {
  const first = (...names) => {
    const name = names.find((one) => variables[one]);
    return name ? { name, proxy: parseProxy(variables[name]) } : null;
  };
  // CVE-2016-5385: a CGI server turns a request's header `Proxy` into HTTP_PROXY.
  const plain = variables.REQUEST_METHOD ? first('http_proxy') : first('HTTP_PROXY', 'http_proxy');
  const encrypted = first('HTTPS_PROXY', 'https_proxy');
  const all = first('ALL_PROXY', 'all_proxy');
  const isExcepted = exceptions(variables.NO_PROXY || variables.no_proxy || '');
  return ({ secure, hostname, port }) => {
    if (isLocal(hostname) || isExcepted(hostname, port)) return null;
    return (secure ? encrypted : plain) ?? all;
  };
}

/**
 * Reads a list of hosts that no proxy is for, with commas or spaces: names (their subdomains too), addresses, networks, or `*`; each with a
 * port or without.
 * @param {string} list
 * @returns {(hostname: string, port: number) => boolean}
 */
export function exceptions(list) {
  const entries = list.split(/[, \t]+/).flatMap((entry) => exception(entry) ?? []);
  return (hostname, port) => entries.some((entry) => (entry.port === null || entry.port === port) && entry.has(withoutDot(hostname)));
}

function exception(entry) {
  const alone = network(entry);
  if (alone) return { has: alone, port: null };
  const [, host, digits] = /^(.*?)(?::(\d{1,5}))?$/s.exec(entry);
  const isPort = Number(digits) < 65_536;
  const has = network(isPort ? host : entry) ?? names(isPort ? host : entry);
  return has && { has, port: isPort ? Number(digits) : null };
}

/** The addresses of a network such as `10.0.0.0/8`, or one alone. */
function network(text) {
  const [, address, digits] = /^\[*(.*?)(?:\/(\d{1,3}))?\]*$/s.exec(text);
  const bytes = parseAddress(address);
  if (!bytes || Number(digits ?? 0) > bytes.length * 8) return null;
  const length = Number(digits ?? bytes.length * 8);
  return (host) => {
    const other = canonical(parseAddress(host));
    return other?.length === bytes.length && bits(other, length) === bits(bytes, length);
  };
}

function names(text) {
  const name = text.replace(/^\*/, '').replace(/\.+$/, '').toLowerCase();
  if (name.replace(/^\./, '') === '') return text.startsWith('*') ? () => true : null;
  // curl and most others let `.example.com` mean example.com too; Go does not. The wider one sends less through the proxy.
  const suffix = name.startsWith('.') ? name : `.${name}`;
  return (host) => `.${host}`.endsWith(suffix);
}

/** Whether this is the local host, as Go sees it. */
function isLocal(hostname) {
  const host = withoutDot(hostname);
  const bytes = parseAddress(host);
  if (bytes) return bytes.length === 4 ? bytes[0] === 127 : bits(bytes, 128) === `${'0'.repeat(127)}1`;
  return host === 'localhost' || host.endsWith('.localhost');
}

/**
 * The bytes of an IP address.
 * @param {string} text
 * @returns {number[] | null}
 */
export function parseAddress(text) {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(text)) {
    const bytes = text.split('.').map(Number);
    return bytes.every((byte) => byte < 256) && bytes.join('.') === text ? bytes : null;
  }
  if (!/^[\da-f:.]*:[\da-f:.]*$/i.test(text)) return null;
  try {
    const [head, tail] = hostOf(new URL(`http://[${text}]`)).split('::');
    const groups = (part) => (part ? part.split(':').map((group) => parseInt(group, 16)) : []);
    const [front, back] = [groups(head), groups(tail)];
    return [...front, ...Array(8 - front.length - back.length).fill(0), ...back].flatMap((group) => [group >> 8, group & 0xff]);
  } catch {
    return null;
  }
}

/** An IPv4 address that is written as an IPv6 one (RFC 4291 §2.5.5.2) as itself. */
function canonical(bytes) {
  const isMapped = bytes?.length === 16 && bytes.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
  return isMapped ? bytes.slice(12) : bytes;
}

function bits(bytes, length) {
  return bytes
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, length);
}

function withoutDot(hostname) {
  return hostname.replace(/\.$/, '');
}
