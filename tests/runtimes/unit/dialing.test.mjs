import assert from 'node:assert/strict';
import { test } from 'node:test';

import { untilAborted } from '../../../crates/sockeye-js/npm/src/abort.js';
import { HandshakeError } from '../../../crates/sockeye-js/npm/src/errors.js';
import { isRedirect, redirected } from '../../../crates/sockeye-js/npm/src/redirect.js';
import { hostOf, parseUrl } from '../../../crates/sockeye-js/npm/src/url.js';

test('row 9: ws and http mean the same, and default ports are not written', () => {
  for (const [text, href] of [
    ['ws://example.com', 'http://example.com/'],
    ['wss://example.com:443/a?b=c', 'https://example.com/a?b=c'],
    ['wss://example.com:80/', 'https://example.com:80/'],
    ['http://example.com:80?', 'http://example.com/?'],
    ['https://example.com/a', 'https://example.com/a'],
    ['ws://B\u00fccher.example/\u00e9 "', 'http://xn--bcher-kva.example/%C3%A9%20%22'],
    ['ws://127.1/', 'http://127.0.0.1/'],
  ]) {
    assert.equal(parseUrl(text).url.href, href);
    assert.equal(parseUrl(new URL(text)).url.href, href);
  }
  assert.equal(hostOf(parseUrl('ws://[::1]:8080/').url), '::1');
  assert.equal(parseUrl('ws://[::1]:8080/').url.host, '[::1]:8080');
});

test('row 17: user and password become Basic authorization', () => {
  const { url, authorization } = parseUrl('ws://Aladdin:open%20sesame@example.com/');
  // RFC 7617 §2 has this example.
  assert.equal(authorization, 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
  assert.equal(url.href, 'http://example.com/');
  assert.equal(parseUrl('ws://a@example.com/').authorization, 'Basic YTo=');
  assert.equal(parseUrl('ws://\u00e9:%ff%zz@example.com/').authorization, `Basic ${btoa('\u00c3\u00a9:\u00ff%zz')}`);
  assert.equal(parseUrl('ws://example.com/').authorization, null);
});

test('URLs that cannot be dialled say why, without their passwords', () => {
  for (const [text, reason] of [
    ['example.com', 'it is not a URL such as wss://example.com/'],
    ['ws://', 'it is not a URL such as wss://example.com/'],
    ['ws://u:secret@a:99999/', 'it is not a URL such as wss://example.com/'],
    ['ws://u:secret@example.com/#a', 'it has a fragment: write # as %23'],
    ['ws://example.com/#', 'it has a fragment: write # as %23'],
    ['ws://a:0/', 'nothing listens on port 0'],
    ['ftp://u:secret@a/', 'the scheme ftp: is not known: use ws: or wss:'],
    ['localhost:8080', 'the scheme localhost: is not known: use ws: or wss:'],
  ]) {
    assert.throws(() => parseUrl(text), { code: 'INVALID_URL', message: `the URL cannot be dialled: ${reason}` }, text);
  }
});

const HEADERS = [
  ['Authorization', 'Basic YTpi'],
  ['cookie', 'a=b'],
  ['Proxy-Authorization', 'c'],
  ['X-Kept', 'd'],
];

function refused(status, headers) {
  return Object.assign(new HandshakeError('REFUSED', 'the server refused'), { response: { status, headers, body: new Uint8Array(0) } });
}

/** Where a redirect from one URL leads. */
function follow(from, location, isLast = false) {
  const fields = location === null ? [] : [['location', location]];
  const { url, headers } = redirected({ url: parseUrl(from).url, headers: HEADERS }, refused(307, fields), isLast);
  return [url.href, headers.length];
}

test('only redirects are redirects', () => {
  for (const status of [301, 302, 303, 307, 308]) assert.equal(isRedirect(refused(status, [])), true);
  for (const status of [200, 300, 304, 305, 401, 426]) assert.equal(isRedirect(refused(status, [])), false);
  assert.equal(isRedirect(new HandshakeError('TIMEOUT', 'too long')), false);
  assert.equal(isRedirect(new Error()), false);
});

test('row 9: another origin gets no credentials', () => {
  assert.deepEqual(follow('ws://a/b/c?d', 'e'), ['http://a/b/e', 4]);
  assert.deepEqual(follow('ws://a/', 'ws://a:80/x'), ['http://a/x', 4]);
  assert.deepEqual(follow('wss://a/', 'https://a/x'), ['https://a/x', 4]);
  assert.deepEqual(follow('ws://a/', 'http://b/'), ['http://b/', 1]);
  assert.deepEqual(follow('ws://a/', '//a:81/'), ['http://a:81/', 1]);
  assert.deepEqual(follow('ws://a/', 'wss://a/'), ['https://a/', 1]);
});

test('user, password and fragment of a Location are not used, and its bytes are kept', () => {
  assert.deepEqual(follow('ws://a/', 'ws://u:p@a/x#y'), ['http://a/x', 4]);
  assert.deepEqual(follow('ws://a/', '/\xc3\xa9'), ['http://a/%c3%a9', 4]);
});

test('redirects that are not followed say why, with the response', () => {
  for (const [from, location, isLast, code] of [
    ['ws://a/', null, false, 'REDIRECT_WITHOUT_LOCATION'],
    ['ws://a/', 'http://', false, 'REDIRECT_INVALID'],
    ['ws://a/', 'ftp://a/', false, 'REDIRECT_INVALID'],
    ['ws://a/', 'http://a:0/', false, 'REDIRECT_INVALID'],
    ['wss://a/', 'ws://a/', false, 'REDIRECT_DOWNGRADE'],
    ['ws://a/', '/b', true, 'TOO_MANY_REDIRECTS'],
  ]) {
    assert.throws(() => follow(from, location, isLast), (error) => error instanceof HandshakeError && error.code === code && error.response.status === 307, code);
  }
});

test('an abort rejects at once, and what comes later is disposed of', async () => {
  const controller = new AbortController();
  let resolve;
  const disposed = [];
  const promise = untilAborted(controller.signal, new Promise((done) => (resolve = done)), (value) => disposed.push(value));
  controller.abort('enough');
  await assert.rejects(promise, (reason) => reason === 'enough');
  resolve(7);
  await new Promise(setImmediate);
  assert.deepEqual(disposed, [7]);
  await assert.rejects(untilAborted(controller.signal, Promise.reject(new Error('late'))), (reason) => reason === 'enough');
  assert.equal(await untilAborted(new AbortController().signal, 8), 8);
});
