// The opening handshake of engines (RFC 6455 §4).
import { Engine, HandshakeError, UsageError } from 'sockeye';

import { exchange, feed, opened, plain, unopened } from './engines.mjs';
import { ensure, equal, latin1, text, throws, utf8 } from './harness.mjs';

const REQUEST = [
  'GET /chat?room=1 HTTP/1.1',
  'Host: server.example.com',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Origin: http://server.example.com',
  'Sec-WebSocket-Protocol: chat, superchat',
  'Sec-WebSocket-Version: 13',
];

/** A request with these lines in place of those that begin alike. `null` leaves a line out. */
export function request(changes = {}) {
  const lines = REQUEST.map((line) => Object.entries(changes).reduce((kept, [start, other]) => (line.startsWith(start) ? other : kept), line));
  return utf8(`${lines.filter((line) => line !== null).join('\r\n')}\r\n\r\n`);
}

/** What a server answers to a request: the lines of the head in lower case, the body, and the events. */
function answer(data, options = {}) {
  const server = new Engine({ role: 'server', ...options });
  const events = server.receive(data);
  const [head, body = ''] = latin1(server.take()).split('\r\n\r\n');
  const [status, ...fields] = head.split('\r\n');
  return { status, fields: Object.fromEntries(fields.map((field) => field.split(': ')).map(([name, value]) => [name.toLowerCase(), value])), body, events, server };
}

/** What a client makes of an answer, in which KEY stands for the right `Sec-WebSocket-Accept`. */
function opening(lines, options = {}, then = '') {
  const client = new Engine({ role: 'client', host: 'example.com', ...options });
  const server = new Engine({ role: 'server' });
  server.receive(client.take());
  const accept = /Sec-WebSocket-Accept: (\S+)/i.exec(latin1(server.take()))[1];
  const events = client.receive(utf8(`${lines.join('\r\n').replace('KEY', accept)}\r\n\r\n${then}`));
  server.free();
  return { client, events };
}

const SWITCHING = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Accept: KEY'];

export default {
  'RFC 6455 section 1.3: the example is answered as it says'() {
    const { status, fields, events } = answer(request(), { subprotocols: ['chat'] });
    ensure(status.startsWith('HTTP/1.1 101 '), `the status line is of a 101: ${status}`);
    equal(fields['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    equal(fields.upgrade.toLowerCase(), 'websocket');
    equal(fields.connection.toLowerCase(), 'upgrade');
    equal(fields['sec-websocket-protocol'], 'chat');
    equal(events, [{ type: 'open', subprotocol: 'chat', extensions: null }]);
  },

  'the client asks as the RFC says'() {
    const client = new Engine({
      role: 'client', host: 'example.com:8080', target: '/chat?room=1', subprotocols: ['a', 'b'], origin: 'https://example.com', headers: { 'X-One': '1' }, deflate: true,
    });
    const [line, ...fields] = latin1(client.take()).trimEnd().split('\r\n');
    equal(line, 'GET /chat?room=1 HTTP/1.1');
    const field = (name) => fields.find((one) => one.toLowerCase().startsWith(`${name}: `))?.split(': ')[1];
    equal(field('host'), 'example.com:8080');
    equal(field('upgrade'), 'websocket');
    equal(field('connection'), 'Upgrade');
    equal(field('sec-websocket-version'), '13');
    equal(field('sec-websocket-protocol'), 'a, b');
    equal(field('origin'), 'https://example.com');
    equal(field('x-one'), '1');
    equal(atob(field('sec-websocket-key')).length, 16);
    ensure(field('sec-websocket-extensions').startsWith('permessage-deflate'), 'permessage-deflate is offered');
  },

  'keys differ from connection to connection'() {
    const keys = new Set(Array.from({ length: 50 }, () => /key: (\S+)/i.exec(latin1(new Engine({ role: 'client', host: 'a' }).take()))[1]));
    equal(keys.size, 50);
  },

  'a handshake at every cut opens, and what follows is delivered'() {
    const data = request();
    for (let cut = 0; cut <= data.length; cut += 1) {
      const server = new Engine({ role: 'server' });
      equal(plain(feed(server, data, cut)), [{ type: 'open', subprotocol: null, extensions: null }], `cut at ${cut}`);
      server.free();
    }
    for (let cut = 0; cut <= 160; cut += 1) {
      const [client, server] = unopened();
      server.receive(client.take());
      server.send('Hello');
      const answered = server.take();
      const events = feed(client, answered, Math.min(cut, answered.length));
      equal(events.map(({ type }) => type), ['open', 'message'], `cut at ${cut}`);
      client.free();
      server.free();
    }
  },

  'frames behind the request are taken'() {
    const [client, server] = unopened();
    const head = client.take();
    const early = new Engine({ role: 'client', established: true });
    early.send('early');
    const events = server.receive(Uint8Array.of(...head, ...early.take()));
    equal(events.map(({ type }) => type), ['open', 'message']);
  },

  'every request that breaks a rule gets a status and a reason'() {
    const cases = [
      [{ GET: 'POST /chat HTTP/1.1' }, 405, 'METHOD', { allow: 'GET' }],
      [{ GET: 'GET /chat HTTP/1.0' }, 505, 'HTTP_VERSION'],
      [{ GET: 'GET  /chat HTTP/1.1' }, 400, 'REQUEST_LINE'],
      [{ GET: 'GET chat HTTP/1.1' }, 400, 'REQUEST_TARGET'],
      [{ Host: null }, 400, 'HOST_MISSING'],
      [{ Host: 'Host: a\r\nHost: b' }, 400, 'HEADER_REPEATED'],
      [{ Upgrade: null }, 426, 'UPGRADE_MISSING', { upgrade: 'websocket' }],
      [{ Connection: 'Connection: keep-alive' }, 400, 'CONNECTION_MISSING'],
      [{ 'Sec-WebSocket-Key': null }, 400, 'KEY_MISSING'],
      [{ 'Sec-WebSocket-Key': 'Sec-WebSocket-Key: short' }, 400, 'KEY_INVALID'],
      [{ 'Sec-WebSocket-Version': null }, 426, 'VERSION_MISSING', { 'sec-websocket-version': '13' }],
      [{ 'Sec-WebSocket-Version': 'Sec-WebSocket-Version: 8' }, 426, 'VERSION_UNSUPPORTED', { 'sec-websocket-version': '13' }],
      [{ 'Sec-WebSocket-Protocol': 'Sec-WebSocket-Protocol: a b' }, 400, 'SUBPROTOCOLS_INVALID'],
      [{ Origin: 'Origin: https://elsewhere.example' }, 403, 'ORIGIN_NOT_ALLOWED'],
      [{ Origin: 'Origin: null' }, 403, 'ORIGIN_NOT_ALLOWED'],
      [{ Host: 'Host: a\nX: y' }, 400, 'BARE_LINE_FEED'],
      [{ Origin: `X-Long: ${'x'.repeat(20_000)}` }, 431, 'HEAD_TOO_LARGE'],
      [{ Origin: Array.from({ length: 101 }, (_, at) => `X-${at}: y`).join('\r\n') }, 431, 'TOO_MANY_HEADERS'],
      [{ GET: `GET /${'x'.repeat(20_000)} HTTP/1.1` }, 414, 'TARGET_TOO_LONG'],
    ];
    for (const [changes, status, code, fields = {}] of cases) {
      const found = answer(request(changes));
      ensure(found.status.startsWith(`HTTP/1.1 ${status} `), `${code} is answered with ${status}: ${found.status}`);
      for (const [name, value] of Object.entries(fields)) equal(found.fields[name], value, `${code}: ${name}`);
      ensure(found.body.length > 0, `${code}: the body says why`);
      const { close } = found.events.at(-1);
      equal([close.code, close.clean, close.error.code, close.error.status], [1006, false, code, status], code);
      ensure(close.error instanceof HandshakeError, `${code} is a HandshakeError`);
      ensure(found.server.isFinished, `${code}: the stream is to be ended`);
    }
    const garbage = answer(utf8('\u0016\u0003\u0001 not http at all\r\n\r\n'));
    ensure(garbage.events.at(-1).close.error instanceof HandshakeError, 'bytes that are no HTTP are a HandshakeError');
  },

  'origins are those of the host, of patterns, or any'() {
    const opens = (origin, options, host = 'example.com') => answer(request({ Origin: `Origin: ${origin}`, Host: `Host: ${host}` }), options).status.startsWith('HTTP/1.1 101');
    equal(opens('https://example.com', {}), true);
    equal(opens('https://EXAMPLE.com', {}), true);
    equal(opens('https://example.com:8443', {}), false);
    equal(opens('http://[::1]:8080', {}, '[::1]:8080'), true);
    equal(opens('https://a.example.org', { origins: ['https://*.example.org'] }), true);
    equal(opens('https://example.org.evil.com', { origins: ['https://*.example.org'] }), false);
    equal(opens('null', { origins: 'any' }), true);
    equal(opens('https://elsewhere.example', { origins: 'any' }), true);
    equal(answer(request({ Origin: null })).status.startsWith('HTTP/1.1 101'), true, 'without an origin');
  },

  'a server can ask before it lets in'() {
    const { server, events } = answer(request(), { ask: true });
    equal(server.state, 'opening');
    const [{ type, request: asked }] = events;
    equal(type, 'request');
    equal(asked.target, '/chat?room=1');
    equal(asked.host, 'server.example.com');
    equal(asked.origin, 'http://server.example.com');
    equal(asked.subprotocols, ['chat', 'superchat']);
    ensure(asked.headers.some(([name, value]) => name === 'upgrade' && value === 'websocket'), 'header names are in lower case');
    equal(server.admit({ subprotocol: 'superchat', headers: { 'Set-Cookie': 'a=b' } }), [{ type: 'open', subprotocol: 'superchat', extensions: null }]);
    const head = latin1(server.take());
    ensure(head.includes('superchat') && /set-cookie: a=b\r\n/i.test(head), head);
  },

  'a server can refuse with a status, fields and a body'() {
    const { server } = answer(request(), { ask: true });
    const events = server.refuse(401, { headers: [['WWW-Authenticate', 'Basic realm="x"']], body: 'who are you?' });
    const head = latin1(server.take());
    ensure(head.startsWith('HTTP/1.1 401 '), head);
    ensure(/www-authenticate: Basic realm="x"\r\n/i.test(head) && head.endsWith('\r\n\r\nwho are you?'), head);
    equal(events.map(({ type }) => type), ['close']);
    equal(events[0].close.error.status, 401);
    ensure(server.isFinished, 'the stream is to be ended');
  },

  'an answer that cannot be given changes nothing'() {
    const { server } = answer(request(), { ask: true });
    throws(UsageError, 'INVALID_OPTION', () => server.admit({ subprotocol: 'other' }));
    throws(UsageError, 'INVALID_OPTION', () => server.admit({ headers: { Upgrade: 'x' } }));
    throws(UsageError, 'INVALID_OPTION', () => server.refuse(200));
    throws(UsageError, 'INVALID_OPTION', () => server.refuse(403, { headers: { 'X-Y': 'a\r\nb: c' } }));
    equal(server.take().length, 0);
    equal(server.admit().length, 1);
    throws(UsageError, null, () => server.admit());
    throws(UsageError, null, () => server.refuse(403));
  },

  'fields that the handshake writes itself are refused'() {
    for (const role of [{ role: 'server' }, { role: 'client', host: 'a' }]) {
      for (const headers of [{ Upgrade: 'x' }, { connection: 'x' }, { 'Sec-WebSocket-Key': 'x' }, { 'X-Y': 'a\r\nb: c' }, { 'X Y': 'a' }, { '': 'a' }, { 'X-Y': ' a' }]) {
        throws(UsageError, 'INVALID_OPTION', () => new Engine({ ...role, headers }), JSON.stringify(headers));
      }
    }
  },

  'every answer that breaks a rule is an error with a code'() {
    const cases = [
      [['HTTP/1.1 101 x', 'Upgrade: websocket', 'Connection: Upgrade'], 'ACCEPT_MISSING'],
      [[...SWITCHING.slice(0, 3), 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='], 'ACCEPT_MISMATCH'],
      [[SWITCHING[0], ...SWITCHING.slice(2)], 'UPGRADE_MISSING'],
      [[...SWITCHING.slice(0, 2), SWITCHING[3]], 'CONNECTION_MISSING'],
      [[...SWITCHING, 'Sec-WebSocket-Protocol: chat'], 'SUBPROTOCOL_UNEXPECTED'],
      [[...SWITCHING, 'Sec-WebSocket-Extensions: permessage-deflate'], 'EXTENSION_UNEXPECTED'],
      [['HTTP/2 101 x', ...SWITCHING.slice(1)], null],
    ];
    for (const [lines, code] of cases) {
      const { client, events } = opening(lines);
      const { close } = events.at(-1);
      ensure(close.error instanceof HandshakeError, `${lines} is a HandshakeError`);
      if (code) equal(close.error.code, code);
      equal([close.code, close.clean], [1006, false]);
      ensure(client.isFinished, 'the stream is to be ended');
    }
    const { events } = opening([...SWITCHING, 'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99'], { deflate: true });
    equal(events.at(-1).close.error.code, 'EXTENSION_PARAMETERS');
  },

  'a refusal has status, fields and the first KiB of the body'() {
    const { events } = opening(['HTTP/1.1 403 Forbidden', 'X-Reason: none', 'Content-Length: 5'], {}, 'stay!');
    const { error } = events.at(-1).close;
    equal([error.code, error.response.status, text(error.response.body)], ['REFUSED', 403, 'stay!']);
    ensure(error.response.headers.some(([name, value]) => name === 'x-reason' && value === 'none'), 'the fields are there');
    const long = opening(['HTTP/1.1 500 Oops', 'Content-Length: 5000'], {}, 'x'.repeat(5000)).events.at(-1).close.error;
    equal(long.response.body.length, 1024);
    const open = opening(['HTTP/1.1 502 Bad Gateway', 'Connection: close'], {}, 'no length');
    equal(open.events, []);
    const [{ close }] = open.client.receiveEnd();
    equal([close.error.response.status, text(close.error.response.body)], [502, 'no length']);
  },

  'subprotocols are agreed on in the order of the server'() {
    const agreed = (client, server) => {
      const events = exchange(...unopened({ subprotocols: client }, { subprotocols: server }));
      return events.map(([event]) => event.subprotocol);
    };
    equal(agreed(['a', 'b'], ['b', 'a']), ['b', 'b']);
    equal(agreed(['a'], ['b']), [null, null]);
    equal(agreed([], ['b']), [null, null]);
    equal(agreed(['a'], []), [null, null]);
  },

  'a handshake that ends early is an error'() {
    for (const engine of unopened()) {
      const [{ close }] = engine.receiveEnd();
      ensure(close.error instanceof HandshakeError, 'it is a HandshakeError');
      equal(close.error.code, 'UNEXPECTED_END');
    }
  },

  'options that make no sense are refused'() {
    const server = (options) => () => new Engine({ role: 'server', ...options });
    const client = (options) => () => new Engine({ role: 'client', host: 'a', ...options });
    for (const [make, what] of [
      [server({ subprotocols: ['a b'] }), 'a subprotocol that is no token'],
      [server({ subprotocols: ['a', 'a'] }), 'a subprotocol twice'],
      [server({ origins: ['no origin'] }), 'an origin that is none'],
      [server({ deflate: { level: 10 } }), 'a level of 10'],
      [server({ deflate: { serverMaxWindowBits: 7 } }), 'window bits of 7'],
      [server({ deflate: { clientMaxWindowBits: 16 } }), 'window bits of 16'],
      [client({ host: 'a b' }), 'a host with a space'],
      [client({ target: 'no-slash' }), 'a target without a slash'],
      [client({ target: '/a b' }), 'a target with a space'],
      [client({ origin: 'x' }), 'an origin that is none'],
    ]) {
      throws(UsageError, 'INVALID_OPTION', make, what);
    }
  },

  'state goes from opening to open'() {
    const pair = unopened();
    equal(pair.map(({ state }) => state), ['opening', 'opening']);
    equal(pair.map(({ role }) => role), ['client', 'server']);
    exchange(...pair);
    equal(pair.map(({ state }) => state), ['open', 'open']);
    equal(opened().map(({ isFinished }) => isFinished), [false, false]);
  },
};
