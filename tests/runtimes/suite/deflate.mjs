// permessage-deflate (RFC 7692).
import { PreparedMessage, ProtocolError } from 'sockeye';

import { established, exchange, feed, opened, plain, unopened } from './engines.mjs';
import { bytes, concat, ensure, equal, hex, noise, prose } from './harness.mjs';

const negotiated = (extensions = 'permessage-deflate') => ({ established: { deflate: extensions }, deflate: { threshold: 0 } });
const hello = [{ type: 'message', data: 'Hello' }];

/** Agrees on these settings; what was agreed, and the engines. */
function agreement(client, server) {
  const pair = unopened({ deflate: client }, { deflate: server });
  const events = exchange(...pair);
  return { pair, extensions: events.map(([event]) => event.extensions) };
}

export default {
  'RFC 7692 section 7.2.3: the examples are read'() {
    const read = (...digits) => established('client', negotiated()).receive(bytes(digits.join('')));
    equal(read('c1 07 f248cdc9c90700'), hello, 'one compressed message');
    equal(plain(read('41 03 f248cd 80 04 c9c90700')), hello, 'in two frames');
    equal(read('c1 0b 000500faff48656c6c6f00'), hello, 'a block without compression');
    equal(read('c1 08 f348cdc9c9070000'), hello, 'a block with BFINAL');
    equal(read('c1 0d f24805000000ffffcac9c90700'), hello, 'two blocks');
    equal(read('c1 07 f248cdc9c90700 c1 05 f200110000'), [...hello, ...hello], 'a message that refers to the one before it');
    equal(read('81 05 48656c6c6f'), hello, 'a message that is not compressed');
  },

  'RFC 7692 section 7.2.3: every cut of the examples gives the same'() {
    const data = bytes('c1 07 f248cdc9c90700 41 03 f20011 80 02 0000 c1 0b 000500faff48656c6c6f00 c1 08 f348cdc9c9070000');
    for (let cut = 0; cut <= data.length; cut += 1) {
      const client = established('client', negotiated());
      equal(plain(feed(client, data, cut)), [...hello, ...hello, ...hello, ...hello], `cut at ${cut}`);
      client.free();
    }
  },

  'every cut of a compressed exchange gives the same, in parts too'() {
    const server = established('server', negotiated());
    server.send(prose(500));
    server.sendPart('text', prose(300), false);
    server.ping('p');
    server.sendPart('text', prose(100), true);
    const data = server.take();
    ensure(data.length < 300, `what is sent is compressed: ${data.length} bytes`);
    for (let cut = 0; cut <= data.length; cut += 1) {
      const client = established('client', negotiated());
      const events = plain(feed(client, data, cut)).filter(({ type }) => type === 'message');
      equal(events.map(({ data }) => data), [prose(500), prose(300) + prose(100)], `cut at ${cut}`);
      client.free();
    }
  },

  'all settings are agreed on and work'() {
    const settings = [
      true,
      { level: 0 },
      { level: 1 },
      { level: 9, threshold: 0 },
      { serverNoContextTakeover: true },
      { clientNoContextTakeover: true },
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
      { serverMaxWindowBits: 8 },
      { serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
      { serverMaxWindowBits: 15, clientMaxWindowBits: 15 },
    ];
    for (const at of settings) {
      for (const [clientSide, serverSide] of [[at, true], [true, at], [at, at]]) {
        const { pair, extensions } = agreement(clientSide, serverSide);
        const what = `${JSON.stringify(clientSide)} / ${JSON.stringify(serverSide)}`;
        equal(extensions[0], extensions[1], what);
        ensure(extensions[0]?.startsWith('permessage-deflate'), `${what} is agreed on: ${extensions[0]}`);
        const [client, server] = pair;
        for (let round = 0; round < 3; round += 1) {
          for (const data of [prose(100), prose(5000), noise(3000), '', prose(70_000)]) {
            client.send(data);
            equal(exchange(client, server)[1], [{ type: 'message', data }], what);
            server.send(data);
            equal(exchange(client, server)[0], [{ type: 'message', data }], what);
          }
        }
        pair.forEach((engine) => engine.free());
      }
    }
  },

  'the answer names what was agreed on'() {
    const { extensions } = agreement({ serverNoContextTakeover: true }, { clientNoContextTakeover: true });
    ensure(extensions[0].includes('server_no_context_takeover'), extensions[0]);
    ensure(extensions[0].includes('client_no_context_takeover'), extensions[0]);
  },

  'without an offer, or with no wish for it, nothing is compressed'() {
    for (const [client, server] of [[false, true], [true, false], [undefined, true]]) {
      const { pair, extensions } = agreement(client, server);
      equal(extensions, [null, null]);
      pair[0].send(prose(1000));
      ensure(pair[0].take().length > 1000, 'the message is not compressed');
    }
  },

  'context takeover makes the second message shorter, and its absence does not'() {
    const sizes = (deflate) => {
      const [, server] = opened({ deflate }, { deflate });
      return [1, 2].map(() => {
        server.send(JSON.stringify({ id: 'abcdefgh', names: ['one', 'two', 'three'], text: 'nothing repeats in here' }));
        return server.take().length;
      });
    };
    const [first, second] = sizes({ threshold: 0 });
    ensure(second < first / 3, `the second is shorter: ${first}, ${second}`);
    const [alone, again] = sizes({ threshold: 0, serverNoContextTakeover: true });
    equal(again, alone);
  },

  'messages below the threshold go out as they are'() {
    const server = established('server', { established: { deflate: 'permessage-deflate' }, deflate: { threshold: 64 } });
    server.send('x'.repeat(63));
    equal(server.take().slice(0, 2), bytes('81 3f'));
    server.send('x'.repeat(64));
    equal(server.take()[0], 0xc1);
  },

  'compression can be switched off, and its level changed'() {
    const [client, server] = opened({ deflate: true });
    server.setCompression(false);
    server.send(prose(1000));
    const data = server.take();
    equal(data.slice(0, 2), bytes('81 7e'));
    equal(client.receive(data), [{ type: 'message', data: prose(1000) }]);
    server.setCompression(true);
    for (const level of [0, 1, 9]) {
      server.setCompressionLevel(level);
      server.send(prose(10_000));
      const sent = server.take();
      equal(sent[0], 0xc1, `level ${level}`);
      equal(client.receive(sent), [{ type: 'message', data: prose(10_000) }], `level ${level}`);
    }
  },

  'what does not inflate is 1007, and RSV1 without the extension 1002'() {
    const broken = (engine, digits) => {
      const { error } = engine.receive(bytes(digits)).at(-1).close;
      ensure(error instanceof ProtocolError, 'it is a ProtocolError');
      return [error.code, error.closeCode];
    };
    equal(broken(established('client', negotiated()), 'c1 04 ffffffff'), ['INVALID_DEFLATE', 1007]);
    equal(broken(established('client'), 'c1 07 f248cdc9c90700'), ['RESERVED_BITS', 1002]);
    equal(broken(established('client', negotiated()), '41 03 f248cd c0 04 c9c90700'), ['RESERVED_BITS', 1002]);
    equal(broken(established('client', negotiated()), 'c9 00'), ['RESERVED_BITS', 1002]);
  },

  'text is checked after inflation'() {
    const server = established('server', negotiated());
    server.sendPart('binary', noise(0), false);
    server.sendPart('binary', concat(bytes('ff fe'), new Uint8Array(200)), true);
    const data = server.take();
    data[0] = (data[0] & 0xf0) | 0x1;
    const { error } = established('client', negotiated()).receive(data).at(-1).close;
    equal([error.code, error.closeCode], ['INVALID_UTF8', 1007]);
  },

  'inflation stops at the limit'() {
    const [client, server] = opened({ deflate: true, limits: { messageSize: 1 << 26, frameSize: 1 << 26 } }, { deflate: true, limits: { messageSize: 1000 } });
    client.send(new Uint8Array(1001));
    const sent = client.take();
    ensure(sent.length < 100, 'the bomb is small');
    const { error } = server.receive(sent).at(-1).close;
    equal([error.code, error.closeCode], ['MESSAGE_TOO_BIG', 1009]);
    const [bomber, victim] = opened({ deflate: true });
    bomber.send(new Uint8Array(50_000_000));
    equal(victim.receive(bomber.take()).at(-1).close.error.code, 'MESSAGE_TOO_BIG');
  },

  'a prepared message reads the same for all that negotiated differently'() {
    const prepared = new PreparedMessage(prose(3000));
    const pairs = [{}, { deflate: true }, { deflate: { serverNoContextTakeover: true } }, { deflate: { serverMaxWindowBits: 9 } }].map((options) => opened(options));
    for (let round = 0; round < 3; round += 1) {
      for (const [client, server] of pairs) {
        server.send(`before ${round}`);
        server.sendPrepared(prepared);
        server.send(prose(200));
        client.sendPrepared(prepared);
        const [atClient, atServer] = exchange(client, server);
        equal(atClient.map(({ data }) => data), [`before ${round}`, prose(3000), prose(200)]);
        equal(atServer.map(({ data }) => data), [prose(3000)]);
      }
    }
    prepared.free();
    const binary = new PreparedMessage(noise(200));
    const [client, server] = opened();
    server.sendPrepared(binary);
    equal(client.receive(server.take()), [{ type: 'message', data: noise(200) }], hex(noise(4)));
    binary.free();
  },
};
