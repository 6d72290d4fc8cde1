import { HandshakeError } from './errors.js';
import { stripped } from './url.js';

const STATUSES = [301, 302, 303, 307, 308];
const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization'];

/**
 * What is asked of which server.
 * @typedef {object} Wanted
 * @property {URL} url With the scheme `http:` or `https:`, without user and password.
 * @property {[string, string][]} headers
 */

/** Whether this failure of a handshake asks to be followed (RFC 9110 §15.4). */
export function isRedirect(error) {
  return error instanceof HandshakeError && STATUSES.includes(error.response?.status);
}

/**
 * What a response leads to, with the rules of fetch: another origin does not get to see credentials.
 * @param {Wanted} wanted
 * @param {HandshakeError} error the response is in it
 * @param {boolean} isLast whether no more may follow
 * @returns {Wanted}
 */
export function redirected({ url, headers }, error, isLast) {
  const { response } = error;
  const fail = (code, message) => {
    throw Object.assign(new HandshakeError(code, message, { cause: error }), { response });
  };
  const location = response.headers.find(([name]) => name === 'location')?.[1];
  if (location === undefined) fail('REDIRECT_WITHOUT_LOCATION', 'the server redirects, but its response has no Location header');
  let next;
  try {
    // Its bytes came as characters.
    const escaped = location.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
    next = stripped(new URL(escaped, url)).url;
  } catch {
    fail('REDIRECT_INVALID', 'the server redirects to what is not a URL of a WebSocket');
  }
  if (url.protocol === 'https:' && next.protocol !== 'https:') {
    fail('REDIRECT_DOWNGRADE', `the server redirects from an encrypted connection to ${next.host} without encryption: use the new URL if that is right`);
  }
  if (isLast) fail('TOO_MANY_REDIRECTS', 'the server redirected once more than is allowed: does it redirect in a circle?');
  const isSame = url.origin === next.origin;
  return { url: next, headers: isSame ? headers : headers.filter(([name]) => !CREDENTIALS.includes(name.toLowerCase())) };
}
