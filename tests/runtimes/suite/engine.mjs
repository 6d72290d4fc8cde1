// The engine after its opening handshake: both roles, every cut, and the examples of RFC 6455 §5.7.
import { Engine, ProtocolError, SendError } from 'sockeye';

import { established, exchange, feed, opened, plain } from './engines.mjs';
import { bytes, concat, ensure, equal, noise, sleep, throws, utf8 } from './harness.mjs';

const closed = (fields) => ({ type: 'close', code: 1006, reason: '', initiator: 'local', clean: false, error: null, ...fields });
const broken = (error) => [closed({ error })];

/** Frames of a client with masking key 0, so that the payload can be read. */
const masked = (first, payload) => concat(bytes(first), bytes((0x80 | payload.length).toString(16)), bytes('00000000'), payload);

export default {
  'messages go both ways'() {
    // What does not compress grows a little.
    for (const options of [{}, { deflate: true, limits: { frameSize: 2 << 20 } }]) {
      const [client, server] = opened(options);
      for (const data of ['', 'Hello', 'grüße €😀', 'x'.repeat(125), 'x'.repeat(126), 'é'.repeat(40_000), new Uint8Array(), noise(126), noise(65_535), noise(65_536), noise(1 << 20)]) {
        client.send(data);
        equal(exchange(client, server)[1], [{ type: 'message', data }], 'what the server received');
        server.send(data);
        equal(exchange(client, server)[0], [{ type: 'message', data }], 'what the client received');
      }
      client.free();
      server.free();
    }
  },

  'every view of bytes is sent as the bytes it shows'() {
    const [client, server] = opened();
    const buffer = noise(64).buffer;
    const shown = new Uint8Array(buffer, 8, 16).slice();
    for (const view of [new Uint8Array(buffer, 8, 16), new DataView(buffer, 8, 16), new Uint16Array(buffer, 8, 8), buffer.slice(8, 24)]) {
      client.send(view);
      equal(exchange(client, server)[1], [{ type: 'message', data: shown }]);
    }
    client.send(utf8('as text'), { kind: 'text' });
    equal(exchange(client, server)[1], [{ type: 'message', data: 'as text' }]);
  },

  'what an engine was given is copied'() {
    const server = established('server');
    const chunk = bytes('818537fa213d7f9f4d5158');
    server.receive(chunk);
    equal(chunk, bytes('818537fa213d7f9f4d5158'), 'the chunk');
    const data = utf8('once');
    server.send(data, { kind: 'text' });
    data.fill(0);
    equal(server.take(), bytes('81046f6e6365'));
  },

  'received bytes belong to whoever gets them'() {
    const [client, server] = opened();
    client.send(noise(1000, 1));
    client.send(noise(1000, 2));
    const [first, second] = server.receive(client.take());
    first.data.fill(0);
    equal(second.data, noise(1000, 2));
    client.send(noise(5000, 3));
    server.receive(client.take());
    equal(second.data, noise(1000, 2), 'the message, after more have come');
  },

  'RFC 6455 section 5.7: the examples are read'() {
    const client = (data) => plain(established('client').receive(data));
    const server = (data) => plain(established('server').receive(data));
    const hello = [{ type: 'message', data: 'Hello' }];
    equal(client(bytes('81 05 48656c6c6f')), hello);
    equal(server(bytes('81 85 37fa213d 7f9f4d5158')), hello);
    equal(client(bytes('01 03 48656c 80 02 6c6f')), hello);
    equal(client(bytes('89 05 48656c6c6f')), [{ type: 'ping', data: utf8('Hello') }]);
    equal(server(bytes('8a 85 37fa213d 7f9f4d5158')), [{ type: 'pong', data: utf8('Hello') }]);
    equal(client(concat(bytes('82 7e 0100'), noise(256))), [{ type: 'message', data: noise(256) }]);
    equal(client(concat(bytes('82 7f 0000000000010000'), noise(65_536))), [{ type: 'message', data: noise(65_536) }]);
  },

  'RFC 6455 section 5.7: the examples are written'() {
    const written = (act) => {
      const server = established('server');
      act(server);
      return server.take();
    };
    equal(written((server) => server.send('Hello')), bytes('81 05 48656c6c6f'));
    equal(written((server) => server.ping('Hello')), bytes('89 05 48656c6c6f'));
    equal(written((server) => server.pong(utf8('Hello'))), bytes('8a 05 48656c6c6f'));
    equal(
      written((server) => {
        server.sendPart('text', 'Hel', false);
        server.sendPart('text', utf8('lo'), true);
      }),
      bytes('01 03 48656c 80 02 6c6f'),
    );
    equal(written((server) => server.send(noise(256))), concat(bytes('82 7e 0100'), noise(256)));
    equal(written((server) => server.send(noise(65_536))), concat(bytes('82 7f 0000000000010000'), noise(65_536)));
    equal(written((server) => server.close(1000, 'bye')), bytes('88 05 03e8 627965'));
    equal(written((server) => server.close()), bytes('88 00'));
  },

  'every cut of what a client sends gives the same events'() {
    const [client] = [established('client')];
    client.send('Hello');
    client.send(noise(130));
    client.ping('p');
    client.sendPart('text', 'gr', false);
    client.pong('q');
    client.sendPart('text', 'üße', true);
    client.close(4000, 'done');
    const data = client.take();
    const expected = [
      { type: 'message', data: 'Hello' },
      { type: 'message', data: noise(130) },
      { type: 'ping', data: utf8('p') },
      { type: 'pong', data: utf8('q') },
      { type: 'message', data: 'grüße' },
      closed({ code: 4000, reason: 'done', initiator: 'peer', clean: true }),
    ];
    const answer = bytes('8a0170 8802 0fa0');
    for (let cut = 0; cut <= data.length; cut += 1) {
      const server = established('server');
      equal(plain(feed(server, data, cut)), expected, `the events when cut at ${cut}`);
      equal(server.take(), answer, `the answer when cut at ${cut}`);
      ensure(server.isFinished, 'the stream is to be ended');
      server.free();
    }
    const server = established('server');
    equal(plain(feed(server, data, ...Array.from(data.keys()).slice(1))), expected, 'the events byte by byte');
  },

  'every cut of what a server sends gives the same events'() {
    const server = established('server');
    server.send('Hello');
    server.send(noise(130));
    server.ping('p');
    server.sendPart('binary', noise(3), false);
    server.sendPart('binary', noise(4, 2), true);
    server.close(1001, 'off');
    const data = server.take();
    const expected = [
      { type: 'message', data: 'Hello' },
      { type: 'message', data: noise(130) },
      { type: 'ping', data: utf8('p') },
      { type: 'message', data: concat(noise(3), noise(4, 2)) },
    ];
    for (let cut = 0; cut <= data.length; cut += 1) {
      const client = established('client');
      const events = [...plain(feed(client, data, cut)), ...plain(client.receiveEnd())];
      equal(events, [...expected, closed({ code: 1001, reason: 'off', initiator: 'peer', clean: true })], `the events when cut at ${cut}`);
      client.free();
    }
  },

  'every cut of parts joins to the same messages'() {
    const client = established('client');
    client.send('grüße');
    client.sendPart('binary', noise(50), false);
    client.ping('p');
    client.sendPart('binary', noise(50, 2), true);
    client.send('');
    const data = client.take();
    for (let cut = 0; cut <= data.length; cut += 1) {
      const server = established('server', { delivery: 'parts' });
      const events = feed(server, data, cut);
      const joined = events.filter(({ type }) => type === 'part');
      equal(
        plain(joined).map(({ kind, data, fin }) => ({ kind, data, fin })),
        [
          { kind: 'text', data: utf8('grüße'), fin: true },
          { kind: 'binary', data: concat(noise(50), noise(50, 2)), fin: true },
          { kind: 'text', data: new Uint8Array(), fin: true },
        ],
        `the parts when cut at ${cut}`,
      );
      equal(events.filter(({ type }) => type !== 'part'), [{ type: 'ping', data: utf8('p') }]);
      server.free();
    }
  },

  'every rule that a frame can break has its code'() {
    const server = (data, options) => {
      const engine = established('server', options);
      const events = engine.receive(data);
      const error = events.at(-1)?.close?.error;
      ensure(error instanceof ProtocolError, `the error is a ProtocolError: ${JSON.stringify(events)}`);
      const sent = engine.take();
      equal(engine.state, 'closed');
      ensure(engine.isFinished, 'the stream is to be ended');
      equal(sent[0], 0x88, 'the opcode of what is sent');
      equal(sent[2] * 256 + sent[3], error.closeCode, 'the code that is sent');
      equal(plain(events).at(-1), closed({ error: error.code }));
      return [error.code, error.closeCode];
    };
    equal(server(bytes('c1 80 00000000')), ['RESERVED_BITS', 1002]);
    equal(server(bytes('a1 80 00000000')), ['RESERVED_BITS', 1002]);
    equal(server(bytes('91 80 00000000')), ['RESERVED_BITS', 1002]);
    equal(server(bytes('83 80 00000000')), ['RESERVED_OPCODE', 1002]);
    equal(server(bytes('8b 80 00000000')), ['RESERVED_OPCODE', 1002]);
    equal(server(bytes('81 fe 007d')), ['LENGTH_NOT_MINIMAL', 1002]);
    equal(server(bytes('81 ff 000000000000ffff')), ['LENGTH_NOT_MINIMAL', 1002]);
    equal(server(bytes('81 ff 8000000000000000')), ['LENGTH_TOO_BIG', 1002]);
    equal(server(bytes('81 05 48656c6c6f')), ['MASK_MISSING', 1002]);
    equal(server(bytes('80 80 00000000')), ['CONTINUATION_UNEXPECTED', 1002]);
    equal(server(bytes('01 80 00000000 81 80 00000000')), ['CONTINUATION_MISSING', 1002]);
    equal(server(bytes('09 80 00000000')), ['CONTROL_FRAGMENTED', 1002]);
    equal(server(bytes('89 fe 007e 00000000')), ['CONTROL_TOO_LONG', 1002]);
    equal(server(bytes('88 81 00000000 03')), ['CLOSE_TRUNCATED', 1002]);
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]) {
      equal(server(masked('88', bytes(code.toString(16).padStart(4, '0')))), ['INVALID_CLOSE_CODE', 1002], `close code ${code}`);
    }
    equal(server(masked('88', bytes('03e8 ff'))), ['INVALID_UTF8', 1007]);
    equal(server(masked('81', bytes('48 c0 af'))), ['INVALID_UTF8', 1007]);
    equal(server(masked('01', bytes('f4 90'))), ['INVALID_UTF8', 1007], 'text that fails at its first bad byte');
    equal(server(masked('82', noise(101)), { limits: { messageSize: 100 } }), ['MESSAGE_TOO_BIG', 1009]);
    equal(server(masked('82', noise(101)).slice(0, 6), { limits: { frameSize: 100 } }), ['FRAME_TOO_BIG', 1009]);
    equal(server(bytes('01 80 00000000 00 80 00000000 00 80 00000000'), { limits: { fragments: 2 } }), ['TOO_MANY_FRAGMENTS', 1008]);

    const client = established('client');
    const [{ close }] = client.receive(bytes('81 85 37fa213d 7f9f4d5158'));
    equal([close.error.code, close.error.closeCode], ['MASK_UNEXPECTED', 1002]);
  },

  'messages before a broken rule are delivered first, and nothing after it'() {
    const server = established('server');
    const events = plain(server.receive(bytes('81 85 37fa213d 7f9f4d5158 83 80 00000000 81 85 37fa213d 7f9f4d5158')));
    equal(events, [{ type: 'message', data: 'Hello' }, ...broken('RESERVED_OPCODE')]);
    equal(server.receive(bytes('81 85 37fa213d 7f9f4d5158')), []);
    equal(server.receiveEnd(), []);
  },

  'an end without a Close frame is 1006'() {
    for (const role of ['client', 'server']) {
      const engine = established(role);
      equal(plain(engine.receiveEnd()), broken('UNEXPECTED_END').map((event) => ({ ...event, initiator: 'transport' })), role);
      equal(engine.state, 'closed');
      equal(engine.receiveEnd(), []);
    }
    const engine = established('server');
    const [{ close }] = engine.receiveEnd('connection reset');
    equal(close.code, 1006);
    equal(close.error.code, 'TRANSPORT');
    ensure(close.error.message.includes('connection reset'), 'the reason is in the message');
  },

  'a Ping is answered with its payload, unless automaticPong is off'() {
    const on = established('server');
    on.receive(masked('89', noise(125)));
    equal(on.take(), concat(bytes('8a 7d'), noise(125)));
    const off = established('server', { automaticPong: false });
    equal(off.receive(masked('89', noise(125))), [{ type: 'ping', data: noise(125) }]);
    equal(off.take().length, 0);
    off.pong(noise(3));
    equal(off.take(), concat(bytes('8a 03'), noise(3)));
  },

  'a Close frame is answered with its code'() {
    const on = established('server');
    equal(plain(on.receive(masked('88', bytes('0fa0 627965')))), [closed({ code: 4000, reason: 'bye', initiator: 'peer', clean: true })]);
    equal(on.take(), bytes('88 02 0fa0'));
    const none = established('server');
    equal(plain(none.receive(masked('88', bytes('')))), [closed({ code: 1005, initiator: 'peer', clean: true })]);
    equal(none.take(), bytes('88 00'));
  },

  'a close begun here waits for the answer'() {
    const [client, server] = opened();
    equal(server.close(1001, 'restart'), []);
    equal(server.state, 'closing');
    throws(SendError, 'CLOSE_SENT', () => server.send('late'));
    throws(SendError, 'CLOSE_SENT', () => server.ping('late'));
    const [atServer, atClient] = exchange(server, client);
    equal(plain(atServer), [closed({ code: 1001, initiator: 'local', clean: true })]);
    const seen = [...atClient, ...client.receiveEnd()];
    equal(plain(seen), [closed({ code: 1001, reason: 'restart', initiator: 'peer', clean: true })]);
    equal([client.state, server.state], ['closed', 'closed']);
  },

  'messages that come after our Close frame are still delivered'() {
    const [client, server] = opened();
    client.send('on its way');
    server.close(1000);
    const data = client.take();
    client.receive(server.take());
    equal(server.receive(data), [{ type: 'message', data: 'on its way' }]);
    equal(plain(server.receive(client.take())), [closed({ code: 1000, initiator: 'local', clean: true })]);
  },

  'what must not be sent is refused before anything is written'() {
    const server = established('server');
    throws(SendError, 'CONTROL_TOO_LONG', () => server.ping(noise(126)));
    throws(SendError, 'CONTROL_TOO_LONG', () => server.pong('x'.repeat(126)));
    throws(SendError, 'CONTROL_TOO_LONG', () => server.close(1000, 'x'.repeat(124)));
    for (const code of [999, 1005, 1006, 1015, 2999, 5000]) {
      throws(SendError, 'INVALID_CLOSE_CODE', () => server.close(code), `close(${code})`);
    }
    throws(SendError, 'INVALID_UTF8', () => server.send(bytes('ff'), { kind: 'text' }));
    equal(server.take().length, 0);
    equal(server.state, 'open');
    server.sendPart('text', 'half', false);
    throws(SendError, 'MESSAGE_UNFINISHED', () => server.send('between'));
    server.ping('');
    server.sendPart('text', '', true);
    equal(server.take(), bytes('01 04 68616c66 89 00 80 00'));
    const unopened = new Engine({ role: 'client', host: 'example.com' });
    unopened.take();
    throws(SendError, 'NOT_OPEN', () => unopened.send('early'));
  },

  'a lone surrogate is sent as the replacement character'() {
    const server = established('server');
    server.send('a\ud800b');
    equal(server.take(), bytes('81 05 61 efbfbd 62'));
  },

  'pending tells how much take will return'() {
    const server = established('server');
    equal(server.pending, 0);
    server.send('Hello');
    server.ping('');
    equal(server.pending, 9);
    equal(server.take().length, 9);
    equal(server.pending, 0);
    equal(server.take().length, 0);
  },

  'forward carries messages, Pings and Pongs to another engine'() {
    const [client, front] = opened();
    const [back, origin] = opened();
    for (const data of ['Hello', noise(70_000), '']) {
      client.send(data);
      equal(front.forward(client.take(), back), []);
      const pieces = plain(origin.receive(back.take()));
      equal(pieces, [{ type: 'message', data }]);
    }
    client.ping('p');
    client.pong('q');
    client.sendPart('text', 'grü', false);
    client.sendPart('text', 'ße', true);
    equal(front.forward(client.take(), back), []);
    equal(plain(origin.receive(back.take())), [
      { type: 'ping', data: utf8('p') },
      { type: 'pong', data: utf8('q') },
      { type: 'message', data: 'grüße' },
    ]);
    client.close(4001, 'through');
    equal(plain(front.forward(client.take(), back)), [closed({ code: 4001, reason: 'through', initiator: 'peer', clean: true })]);
    equal(back.state, 'open');
  },

  'forward inflates and deflates as each side agreed'() {
    const [client, front] = opened({ deflate: true });
    const [back, origin] = opened({});
    const data = 'to be forwarded '.repeat(1000);
    client.send(data);
    const sent = client.take();
    ensure(sent.length < 1000, 'the message is compressed');
    equal(front.forward(sent, back), []);
    equal(plain(origin.receive(back.take())), [{ type: 'message', data }]);
  },

  'forward at every cut loses nothing'() {
    const client = established('client');
    client.send('grüße');
    client.send(noise(20));
    client.ping('p');
    const data = client.take();
    for (let cut = 0; cut <= data.length; cut += 1) {
      const [front, back, origin] = [established('server'), established('client'), established('server')];
      equal(front.forward(data.slice(0, cut), back), []);
      equal(front.forward(data.slice(cut), back), []);
      equal(plain(origin.receive(back.take())), [
        { type: 'message', data: 'grüße' },
        { type: 'message', data: noise(20) },
        { type: 'ping', data: utf8('p') },
      ]);
      for (const engine of [front, back, origin]) engine.free();
    }
  },

  async 'silence is answered with a Ping, and more of it with 1011'() {
    const server = established('server', { timeouts: { pingInterval: 20, pong: 20 } });
    ensure(server.timeout <= 20, `the first timeout is in at most 20 ms: ${server.timeout}`);
    await sleep(40);
    equal(server.tick(), []);
    equal(server.take()[0], 0x89, 'what is sent first');
    await sleep(40);
    equal(plain(server.tick()), broken('PONG_TIMEOUT'));
    const sent = server.take();
    equal([sent[0], sent[2] * 256 + sent[3]], [0x88, 1011], 'what is sent last');
  },

  async 'an unfinished message that grows too old is 1008'() {
    const server = established('server', { timeouts: { message: 20 } });
    server.receive(masked('01', utf8('half')));
    await sleep(40);
    equal(plain(server.tick()), broken('MESSAGE_TIMEOUT'));
    equal(server.take().slice(2, 4), bytes('03f0'));
  },

  async 'a Close frame that is not answered ends in time'() {
    const server = established('server', { timeouts: { close: 20 } });
    server.close(1000);
    server.take();
    await sleep(40);
    equal(plain(server.tick()), broken('CLOSE_TIMEOUT'));
    ensure(server.isFinished, 'the stream is to be ended');
  },

  'without bounds there is no timeout'() {
    const timeouts = { pingInterval: null, pong: null, close: null, message: null, handshake: null };
    equal(established('server', { timeouts }).timeout, Infinity);
    equal(established('client').timeout, Infinity);
  },

  'limits can be changed'() {
    const server = established('server', { limits: { messageSize: 10 } });
    server.setLimits({ messageSize: 20 });
    equal(server.receive(masked('82', noise(20))), [{ type: 'message', data: noise(20) }]);
    equal(plain(server.receive(masked('82', noise(21)))), broken('MESSAGE_TOO_BIG'));
  },

  'masking keys differ from frame to frame'() {
    const client = established('client');
    const keys = new Set();
    for (let at = 0; at < 1000; at += 1) {
      client.send('');
      keys.add(client.take().slice(2).join());
    }
    ensure(keys.size > 990, `1000 masking keys are different ones: ${keys.size}`);
  },

  'a message in very many frames is put together'() {
    const client = established('client');
    const server = established('server', { limits: { messageSize: 8 << 20 } });
    const piece = noise(64);
    const count = 100_000;
    for (let at = 1; at <= count; at += 1) {
      client.sendPart('binary', piece, at === count);
      if (at % 1000 > 0) continue;
      const events = server.receive(client.take());
      equal(events.length, at === count ? 1 : 0);
      if (at === count) equal([events[0].data.length, events[0].data.subarray(-64)], [count * 64, piece]);
    }
  },

  'many messages in one chunk are one batch'() {
    const client = established('client');
    for (let at = 0; at < 5000; at += 1) client.send(`message ${at}`);
    const events = established('server').receive(client.take());
    equal(events.length, 5000);
    equal(events.map((event) => event.data), Array.from({ length: 5000 }, (_, at) => `message ${at}`));
  },

  'a hundred engines live beside each other'() {
    const pairs = Array.from({ length: 100 }, () => opened());
    pairs.forEach(([client], at) => client.send(`from ${at}`));
    pairs.forEach((pair, at) => equal(exchange(...pair)[1], [{ type: 'message', data: `from ${at}` }]));
    pairs.flat().forEach((engine) => engine.free());
  },

  'random bytes never break an engine'() {
    for (let seed = 1; seed <= 400; seed += 1) {
      for (const role of ['client', 'server']) {
        const engine = seed % 2 ? established(role, seed % 4 === 1 ? { established: { deflate: 'permessage-deflate' }, deflate: true } : {}) : new Engine({ role, ...(role === 'client' ? { host: 'a' } : {}) });
        const data = noise(300, seed);
        if (seed % 2) data[0] = 0x80 | (data[0] & 0x4f);
        feed(engine, data, seed % 299);
        engine.receiveEnd();
        engine.take();
        engine.free();
      }
    }
  },

  'text is decoded as it was meant'() {
    for (const data of ['\u0000', '\ufeffkept', '😀'.repeat(1000), '\u{10ffff}']) {
      const encoded = utf8(data);
      const client = established('client');
      client.sendPart('text', encoded.subarray(0, 1), false);
      client.sendPart('text', encoded.subarray(1), true);
      const engine = established('server');
      equal(engine.receive(client.take()), [{ type: 'message', data }]);
    }
  },
};
