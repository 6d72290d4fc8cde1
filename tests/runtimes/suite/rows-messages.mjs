// What gorilla/websocket offers for messages, row by row, over streams in memory.
import { CloseError, PreparedMessage, SendError, UsageError, joinMessages } from 'sockeye';

import { withPair } from './engines.mjs';
import { bytes, concat, ensure, equal, fails, noise, prose, sleep, text, throws, until, utf8, within } from './harness.mjs';

/** All of a stream, joined. */
async function collect(readable) {
  const chunks = [];
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concat(...chunks);
    chunks.push(value.slice());
  }
}

export default {
  async 'row_22 whole messages go both ways, of every size'() {
    for (const deflate of [false, true]) {
      // What does not compress grows a little.
      const options = { deflate, limits: { frameSize: 2 << 20 } };
      await withPair({ server: options, client: options }, async ({ client, server }) => {
        for (const data of ['', 'Hello', 'grüße €😀', 'x'.repeat(125), 'x'.repeat(126), 'é'.repeat(32_768), new Uint8Array(), noise(125), noise(126), noise(4096), noise(65_535), noise(65_536), noise(1 << 20), prose(1 << 20)]) {
          for (const [from, to] of [[client, server], [server, client]]) {
            const sending = from.send(data);
            equal(await to.receive(), data);
            await sending;
          }
        }
      });
    }
  },

  async 'row_22 messages wait in order for whoever receives them'() {
    await withPair({}, async ({ client, server }) => {
      for (let at = 0; at < 1000; at += 1) client.send(`message ${at}`);
      for (let at = 0; at < 1000; at += 1) equal(await server.receive(), `message ${at}`);
    });
  },

  async 'row_22 text is checked as it comes'() {
    await withPair({ cut: 1 }, async ({ client, near }) => {
      equal(client.state, 'open');
      near.peer.write(bytes('81 03 48 c0 af'));
      const error = await fails(CloseError, 'INVALID_UTF8', () => client.receive());
      equal(error.close.initiator, 'local');
      equal(error.cause.closeCode, 1007);
    });
  },

  async 'row_22 a connection is iterated until it ends in order'() {
    await withPair({}, async ({ client, server }) => {
      client.send('one');
      client.send(noise(5));
      const closing = client.close(1000);
      const seen = [];
      for await (const message of server) seen.push(message);
      equal(seen, ['one', noise(5)]);
      equal((await closing).clean, true);
    });
  },

  async 'row_22 leaving the iteration closes the connection, as it does with streams'() {
    await withPair({}, async ({ client, server }) => {
      client.send('one');
      client.send('two');
      for await (const message of server) {
        equal(message, 'one');
        break;
      }
      equal(server.state, 'closed');
      equal((await client.closed).clean, true);
    });
  },

  async 'row_22 onmessages has all that one read brought, synchronously'() {
    await withPair({}, async ({ client, server }) => {
      const batches = [];
      server.onmessages = (messages) => batches.push(messages);
      for (let at = 0; at < 100; at += 1) client.send(`m${at}`);
      client.send(noise(10));
      await until(() => batches.flat().length === 101, '101 messages came');
      ensure(batches.length < 50, `they came in batches: ${batches.length}`);
      equal(batches.flat().slice(0, 3), ['m0', 'm1', 'm2']);
      const received = server.receive();
      client.send('late');
      await until(() => batches.flat().length === 102, 'the late message came');
      server.onmessages = null;
      client.send('for receive');
      equal(await received, 'for receive');
    });
  },

  async 'row_22 setting onmessages delivers what waits'() {
    await withPair({}, async ({ client, server }) => {
      client.send('early');
      await sleep(10);
      const seen = [];
      server.onmessages = (messages) => seen.push(...messages);
      await until(() => seen.length === 1, 'the early message came');
      equal(seen, ['early']);
    });
  },

  async 'row_22 a message in very many frames is put together'() {
    await withPair({ server: { limits: { messageSize: 8 << 20 } } }, async ({ client, server }) => {
      const writer = client.sendStream('binary').getWriter();
      const receiving = server.receive();
      for (let at = 0; at < 50_000; at += 1) writer.write(noise(64)).catch(() => {});
      await writer.close();
      equal((await receiving).length, 50_000 * 64);
    });
  },

  async 'row_23 a message is received as a stream'() {
    await withPair({ cut: 1000 }, async ({ client, server }) => {
      client.send(prose(100_000));
      client.send(noise(3000));
      client.send('');
      const first = await server.receiveStream();
      equal(first.kind, 'text');
      equal(text(await collect(first.readable)), prose(100_000));
      const second = await server.receiveStream();
      equal([second.kind, await collect(second.readable)], ['binary', noise(3000)]);
      equal((await collect((await server.receiveStream()).readable)).length, 0);
      client.close(1000);
      equal(await server.receiveStream(), null);
    });
  },

  async 'row_23 asking for another message skips the rest of the one before'() {
    await withPair({ cut: 1000 }, async ({ client, server }) => {
      client.send(noise(50_000));
      client.send('next');
      client.send(noise(50_000));
      client.send('last');
      const stream = await server.receiveStream();
      const reader = stream.readable.getReader();
      ensure((await reader.read()).value.length > 0, 'a first piece comes');
      equal(await server.receive(), 'next');
      const again = await server.receiveStream();
      await again.readable.cancel();
      equal(await server.receive(), 'last');
    });
  },

  async 'row_23 a stream of a message has no limit of size'() {
    await withPair({ server: { limits: { messageSize: 1000 } } }, async ({ client, server }) => {
      const receiving = server.receiveStream();
      client.send(noise(300_000));
      equal(await collect((await receiving).readable), noise(300_000));
    });
  },

  async 'row_23 a message is sent as a stream, each piece a frame'() {
    for (const deflate of [false, true]) {
      await withPair({ server: { deflate }, client: { deflate } }, async ({ client, server }) => {
        const writer = client.sendStream('text').getWriter();
        await writer.write('grü');
        await writer.write(utf8('ße '));
        client.ping('between');
        await writer.write(prose(70_000));
        await writer.close();
        equal(await server.receive(), `grüße ${prose(70_000)}`);
        const binary = server.sendStream('binary').getWriter();
        await binary.write(noise(10));
        await binary.close();
        equal(await client.receive(), noise(10));
        await client.sendStream('binary').getWriter().close();
        equal(await server.receive(), new Uint8Array());
      });
    }
  },

  async 'row_23 an aborted stream fails the connection, and is never passed off as whole'() {
    await withPair({}, async ({ client, server }) => {
      const writer = client.sendStream('text').getWriter();
      await writer.write('half');
      await writer.abort(new Error('changed my mind'));
      const end = await server.closed;
      ensure(end.code === 1011 || end.code === 1006, `the code is ${end.code}`);
      throws(SendError, null, () => client.send('more'));
      equal(await server.receive().catch(() => null), null, 'the half message');
    });
  },

  async 'row_24 messages are read as one byte stream'() {
    await withPair({}, async ({ client, server }) => {
      client.send('one');
      client.send(utf8('two'));
      client.send('');
      client.close(1000);
      equal(text(await collect(joinMessages(server, '\n'))), 'one\ntwo\n\n');
    });
    await withPair({}, async ({ client, server }) => {
      client.send('a');
      client.send('b');
      client.close(1000);
      equal(text(await collect(joinMessages(server))), 'ab');
    });
  },

  async 'row_25 values go as JSON, and what is not JSON leaves the connection usable'() {
    await withPair({}, async ({ client, server }) => {
      const value = { a: [1, 2, { b: 'ü' }], c: null };
      client.sendJson(value);
      equal(await server.receiveJson(), value);
      client.send('{ not json');
      await fails(SyntaxError, undefined, () => server.receiveJson());
      client.send(utf8('[1]'));
      equal(await server.receiveJson(), [1]);
      const circular = {};
      circular.self = circular;
      let error;
      try {
        await client.sendJson(circular);
      } catch (caught) {
        error = caught;
      }
      ensure(error instanceof TypeError || error instanceof UsageError, 'what cannot be JSON is refused');
      throws(UsageError, 'INVALID_ARGUMENT', () => client.sendJson(undefined));
      client.send('fine');
      equal(await server.receive(), 'fine');
      client.close(1000);
      equal(await server.receiveJson(), null);
    });
  },

  async 'row_26 a control frame of more than 125 bytes is an error before anything is written'() {
    await withPair({}, async ({ client, server, near }) => {
      const before = near.written;
      throws(SendError, 'CONTROL_TOO_LONG', () => client.ping(noise(126)));
      throws(SendError, 'CONTROL_TOO_LONG', () => client.pong('x'.repeat(126)));
      await fails(SendError, 'CONTROL_TOO_LONG', () => client.close(1000, 'é'.repeat(62)));
      await fails(SendError, 'INVALID_CLOSE_CODE', () => client.close(1005));
      await sleep(5);
      equal(near.written, before);
      client.ping(noise(125));
      client.send('fine');
      equal(await server.receive(), 'fine');
    });
  },

  async 'row_26 Pings go between the pieces of a message'() {
    await withPair({}, async ({ client, server }) => {
      const pongs = [];
      client.onpong = (data) => pongs.push(text(data));
      const writer = client.sendStream('text').getWriter();
      await writer.write('a');
      client.ping('in between');
      await until(() => pongs.length === 1, 'the Pong came');
      await writer.write('b');
      await writer.close();
      equal([await server.receive(), pongs], ['ab', ['in between']]);
    });
  },

  async 'row_27 a Ping is answered though the application only receives, and both are observed'() {
    await withPair({}, async ({ client, server }) => {
      const seen = [];
      server.onping = (data) => seen.push(`ping ${text(data)}`);
      client.onpong = (data) => seen.push(`pong ${text(data)}`);
      const receiving = server.receive();
      client.ping('payload');
      client.ping();
      await until(() => seen.length === 4, 'two Pings and two Pongs came');
      equal(seen.toSorted?.() ?? seen.sort(), ['ping ', 'ping payload', 'pong ', 'pong payload']);
      client.send('done');
      equal(await receiving, 'done');
    });
  },

  async 'row_27 the application can answer Pings itself'() {
    await withPair({ server: { automaticPong: false } }, async ({ client, server }) => {
      const pongs = [];
      client.onpong = (data) => pongs.push(text(data));
      server.onping = () => server.pong('my own');
      client.ping('x');
      await until(() => pongs.length > 0, 'a Pong came');
      equal(pongs, ['my own']);
    });
  },

  async 'row_28 a deadline on receive leaves the connection usable'() {
    await withPair({}, async ({ client, server }) => {
      for (const method of ['receive', 'receiveJson', 'receiveStream']) {
        const reason = new Error('late');
        const controller = new AbortController();
        const receiving = server[method]({ signal: controller.signal });
        controller.abort(reason);
        equal(await receiving.catch((error) => error), reason, method);
        equal(await server[method]({ signal: AbortSignal.abort(reason) }).catch((error) => error), reason, method);
      }
      const error = await server.receive({ signal: AbortSignal.timeout(20) }).catch((caught) => caught);
      equal(error.name, 'TimeoutError');
      client.send('still there');
      equal(await server.receive({ signal: AbortSignal.timeout(5000) }), 'still there');
      const kept = server.receive();
      client.send('kept');
      equal(await kept, 'kept');
    });
  },

  async 'row_29 a message above the limit closes with 1009'() {
    await withPair({ server: { limits: { messageSize: 100 } } }, async ({ client, server }) => {
      client.send(noise(100));
      equal(await server.receive(), noise(100));
      server.setReadLimit(50);
      client.send(noise(51));
      const error = await fails(CloseError, null, () => server.receive());
      equal(error.cause.closeCode, 1009);
      const end = await client.closed;
      equal([end.code, end.initiator], [1009, 'peer']);
    });
  },

  async 'row_29 the limit is finite by default, holds after inflation, and can be raised'() {
    await withPair({ server: { deflate: true, }, client: { deflate: true } }, async ({ client, server, near }) => {
      const before = near.written;
      client.send(new Uint8Array((1 << 20) + 1));
      await fails(CloseError, 'MESSAGE_TOO_BIG', () => server.receive());
      ensure(near.written - before < 20_000, 'it was small on the way');
    });
    await withPair({ server: { limits: { frameSize: 4 << 20 } } }, async ({ client, server }) => {
      server.setReadLimit(3 << 20);
      client.send(noise(3 << 20));
      equal((await server.receive()).length, 3 << 20);
    });
  },

  async 'row_30 compression is set for a connection, a message, and by level'() {
    await withPair({ server: { deflate: true }, client: { deflate: true } }, async ({ client, server, near }) => {
      const size = async (options) => {
        const before = near.written;
        client.send(prose(10_000), options);
        equal(await server.receive(), prose(10_000));
        return near.written - before;
      };
      ensure((await size()) < 1000, 'compressed');
      ensure((await size({ compress: false })) > 10_000, 'this message is not');
      client.setCompression(false);
      ensure((await size()) > 10_000, 'none is');
      client.setCompression(true);
      client.setCompressionLevel(9);
      ensure((await size()) < 1000, 'compressed again');
      client.setCompressionLevel(0);
      ensure((await size()) >= 10_000, 'level 0 stores');
      const before = near.written;
      client.send('x'.repeat(63));
      await server.receive();
      equal(near.written - before, 63 + 6, 'bytes for a message below the threshold');
    });
  },

  async 'row_30 bytes can be sent as text'() {
    await withPair({}, async ({ client, server }) => {
      client.send(utf8('as text'), { kind: 'text' });
      equal(await server.receive(), 'as text');
      server.send('as bytes', { kind: 'binary' });
      equal(await client.receive(), utf8('as bytes'));
      server.send(utf8(prose(5000)), { kind: 'text' });
      equal(await client.receive(), prose(5000));
      throws(SendError, 'INVALID_UTF8', () => client.send(bytes('ff'), { kind: 'text' }));
      throws(SendError, 'INVALID_UTF8', () => server.send(concat(noise(5000), bytes('ff')), { kind: 'text' }));
      throws(UsageError, null, () => client.send('x', { kind: 'other' }));
    });
  },

  async 'row_31 a prepared message goes to connections that negotiated differently'() {
    const message = new PreparedMessage(prose(50_000));
    for (const deflate of [false, true, { serverNoContextTakeover: true }]) {
      await withPair({ server: { deflate }, client: { deflate } }, async ({ client, server, far }) => {
        for (let round = 0; round < 3; round += 1) {
          const before = far.written;
          await server.sendPrepared(message);
          equal(await client.receive(), prose(50_000));
          equal(far.written - before < 5000, Boolean(deflate), 'compressed');
          server.send(`between ${round} ${prose(100)}`);
          equal(await client.receive(), `between ${round} ${prose(100)}`);
          client.sendPrepared(message);
          equal(await server.receive(), prose(50_000));
        }
      });
    }
    message.free();
  },

  async 'row_37 sending, pinging and receiving at once never mixes messages'() {
    for (const deflate of [false, true]) {
      await withPair({ server: { deflate }, client: { deflate }, cut: 777, highWater: 4096 }, async ({ client, server }) => {
        const writer = async (name) => {
          for (let at = 0; at < 50; at += 1) {
            await client.send(`${name}:${at}:${name.repeat(300)}`);
            client.ping(name);
          }
        };
        const reader = async () => {
          const next = { a: 0, b: 0, c: 0 };
          for (let at = 0; at < 150; at += 1) {
            const [name, number, body] = (await server.receive()).split(':');
            equal([Number(number), body], [next[name], name.repeat(300)]);
            next[name] += 1;
            server.send('answer');
          }
        };
        const answers = async () => {
          for (let at = 0; at < 150; at += 1) equal(await client.receive(), 'answer');
        };
        await Promise.all([writer('a'), writer('b'), writer('c'), reader(), answers()]);
      });
    }
  },

  async 'row_37 a peer that does not read is waited for, and one that is not read from waits'() {
    await withPair({ highWater: 16_384, server: { limits: { receiveBuffer: 65_536 } }, client: { limits: { sendBuffer: 65_536 } } }, async ({ client, server }) => {
      let sent = 0;
      for (;;) {
        const sending = client.send(noise(8192));
        sent += 1;
        const isSent = await Promise.race([sending.then(() => true), sleep(50).then(() => false)]);
        if (!isSent) break;
        ensure(sent < 200, 'sending is held up at some time');
      }
      ensure(client.bufferedAmount > 0 && client.bufferedAmount <= 65_536 + 2 * 8400, `what waits is bounded: ${client.bufferedAmount}`);
      for (let at = 0; at < sent; at += 1) equal((await within(10, server.receive())).length, 8192);
      await client.send('flows again');
      equal(await server.receive(), 'flows again');
      await until(() => client.bufferedAmount === 0, 'nothing waits');
    });
  },

  async 'row_39 every frame has a masking key of its own, and servers have none'() {
    await withPair({}, async ({ client, server, near, far }) => {
      const sent = { near: [], far: [] };
      for (const [name, transport] of Object.entries({ near, far })) {
        const write = transport.write.bind(transport);
        transport.write = (head, payload) => {
          sent[name].push(head.slice(), ...(payload ? [payload.slice()] : []));
          return write(head, payload);
        };
      }
      for (let at = 0; at < 200; at += 1) {
        client.send('');
        server.send('');
      }
      for (let at = 0; at < 200; at += 1) {
        await server.receive();
        await client.receive();
      }
      const fromClient = concat(...sent.near);
      equal(fromClient.length, 200 * 6);
      const keys = new Set(Array.from({ length: 200 }, (_, at) => fromClient.slice(at * 6 + 2, at * 6 + 6).join()));
      equal(keys.size, 200);
      equal(concat(...sent.far), concat(...Array.from({ length: 200 }, () => bytes('81 00'))));
    });
  },
};
