// What gorilla/websocket offers for the end of connections, row by row, over streams in memory.
import { CloseError, SendError, SockeyeError, isCloseError, isUnexpectedCloseError } from 'sockeye';

import { connected, withPair } from './engines.mjs';
import { bytes, ensure, equal, fails, noise, sleep, throws, within } from './harness.mjs';

export default {
  async 'row_32 both sides see code, reason, who began, and that it was clean'() {
    for (const begin of ['client', 'server']) {
      for (const [code, reason] of [[1000, ''], [1001, 'away'], [1012, 'ünïcode'], [3000, ''], [4999, 'x'.repeat(123)]]) {
        const pair = await connected();
        const other = begin === 'client' ? pair.server : pair.client;
        const receiving = other.receive().catch((error) => error);
        const closed = await pair[begin].close(code, reason);
        const { code: found, reason: why, initiator, clean, error } = closed;
        // What comes back is the code alone.
        equal([found, why, initiator, clean, error], [code, '', 'local', true, null], begin);
        const end = await other.closed;
        equal([end.code, end.closeCode, end.reason, end.initiator, end.clean], [code, code, reason, 'peer', true], `the other of ${begin}`);
        equal(await receiving, null);
        equal([pair.client.state, pair.server.state], ['closed', 'closed']);
      }
    }
  },

  async 'row_32 a close without a code is 1005 to the other side'() {
    const { client, server } = await connected();
    client.close();
    const end = await server.closed;
    equal([end.code, end.clean, end.initiator], [1005, true, 'peer']);
    equal(await server.receive(), null);
  },

  async 'row_32 the end of the stream is 1006 on both sides'() {
    const { client, server } = await connected();
    const receiving = server.receive();
    client.abort();
    const error = await fails(CloseError, null, () => receiving);
    equal([error.closeCode, error.close.clean, error.close.initiator], [1006, false, 'transport']);
    const end = await client.closed;
    equal([end.code, end.clean], [1006, false]);
  },

  async 'row_32 what is expected, and what is not, is told by isCloseError and isUnexpectedCloseError'() {
    const { client, server } = await connected();
    client.abort();
    const error = await fails(CloseError, null, () => server.receive());
    equal([isCloseError(error), isCloseError(error, 1006), isCloseError(error, 1000, 1001)], [true, true, false]);
    equal([isUnexpectedCloseError(error, 1006), isUnexpectedCloseError(error, 1000)], [false, true]);
    equal([isCloseError(new Error('x')), isUnexpectedCloseError(null, 1000)], [false, false]);
    ensure(error instanceof SockeyeError && error.message.includes('1006'), error.message);
  },

  async 'row_32 codes that must not be sent are refused'() {
    await withPair({}, async ({ client, server }) => {
      for (const code of [1004, 1005, 1006, 1015, 1016, 2999, 5000]) await fails(SendError, 'INVALID_CLOSE_CODE', () => client.close(code), `close(${code})`);
      client.send('still open');
      equal(await server.receive(), 'still open');
    });
  },

  async 'row_33 sending after close is CLOSE_SENT'() {
    await withPair({}, async ({ client }) => {
      client.close(1000);
      throws(SendError, 'CLOSE_SENT', () => client.send('late'));
      throws(SendError, 'CLOSE_SENT', () => client.sendJson({}));
      throws(SendError, 'CLOSE_SENT', () => client.ping());
      const error = await fails(SendError, 'CLOSE_SENT', async () => client.sendStream('text').getWriter().write('late'));
      equal(error.code, 'CLOSE_SENT');
    });
  },

  async 'row_34 errors of receiving are the same for ever'() {
    const { client, server, near } = await connected();
    near.write(bytes('83 80 00000000'));
    const first = await fails(CloseError, 'RESERVED_OPCODE', () => server.receive());
    for (let at = 0; at < 2000; at += 1) {
      const error = await server.receive().catch((caught) => caught);
      if (!(error instanceof CloseError) || error.code !== first.code || error.closeCode !== first.closeCode) throw new Error(`call ${at} failed otherwise`);
    }
    await fails(CloseError, 'RESERVED_OPCODE', () => server.receiveStream());
    await fails(CloseError, 'RESERVED_OPCODE', () => server.receiveJson());
    const end = await client.closed;
    equal(end.code, 1002);
  },

  async 'row_34 messages before the end are received first'() {
    const { client, server } = await connected();
    client.send('one');
    client.send('two');
    client.close(4000);
    await server.closed;
    equal([await server.receive(), await server.receive()], ['one', 'two']);
    equal(await server.receive(), null);
  },

  async 'row_36 abort ends the stream at once, twice as well'() {
    const { client, server, near } = await connected();
    client.abort();
    client.abort();
    equal(client.state, 'closed');
    ensure(near.isDestroyed, 'the stream was destroyed');
    equal((await server.closed).code, 1006);
    equal((await client.close()).code, 1006);
  },

  async 'row_36 close has a bound when the peer does not answer'() {
    const { client, near, far } = await connected({ client: { timeouts: { close: 50 } } });
    far.pause();
    const end = await within(5, client.close(1000));
    equal([end.code, end.clean, end.error.code], [1006, false, 'CLOSE_TIMEOUT']);
    ensure(near.isEnded || near.isDestroyed, 'the stream was ended');
  },

  async 'row_36 close waits until what was sent has gone'() {
    const { client, server } = await connected({ highWater: 1000, cut: 500, server: { limits: { messageSize: 1 << 22, frameSize: 1 << 22 } } });
    client.send(noise(300_000));
    const closing = client.close(1000, 'done');
    equal((await server.receive()).length, 300_000);
    equal(await server.receive(), null);
    equal((await closing).clean, true);
  },

  async 'row_36 close called twice gives the same'() {
    const { client } = await connected();
    const [first, second] = await Promise.all([client.close(4000, 'first'), client.close(4001, 'second')]);
    equal([first.code, second.code], [4000, 4000]);
    equal((await client.close()).code, 4000);
  },

  async 'row_36 leaving a block that uses a connection closes it'() {
    const { client, server } = await connected();
    const dispose = Symbol.asyncDispose;
    if (dispose === undefined) {
      await client.close(1000);
    } else {
      await client[dispose]();
    }
    equal(client.state, 'closed');
    const end = await server.closed;
    ensure(end.clean && [1000, 1001, 1005].includes(end.code), `the end was in order: ${end.code}`);
  },

  async 'row_36 onclose is called once, with how it ended'() {
    const { client, server } = await connected();
    const ends = [];
    client.onclose = (end) => ends.push(['client', end.code]);
    server.onclose = (end) => ends.push(['server', end.code]);
    await client.close(4000);
    client.abort();
    server.abort();
    await sleep(10);
    equal(ends.sort(), [['client', 4000], ['server', 4000]]);
  },

  async 'row_38 opened has the shape of WebSocketStream'() {
    const { client, server } = await connected({ server: { subprotocols: ['a'] }, client: { subprotocols: ['a'] } });
    const { readable, writable, protocol, extensions } = await client.opened;
    equal([protocol, extensions], ['a', '']);
    const other = await server.opened;
    const writer = writable.getWriter();
    await writer.write('text');
    await writer.write(noise(3));
    const reader = other.readable.getReader();
    equal((await reader.read()).value, 'text');
    equal((await reader.read()).value, noise(3));
    const closing = writer.close();
    equal((await reader.read()).done, true);
    await closing;
    equal((await client.closed).clean, true);
    equal((await readable.getReader().read()).done, true);
  },

  async 'keepalive finds a peer that has fallen silent'() {
    const { client, server, far } = await connected({ server: { timeouts: { pingInterval: 30, pong: 30 } } });
    far.peer.pause();
    const error = await within(5, fails(CloseError, 'PONG_TIMEOUT', () => server.receive()));
    equal(error.cause.closeCode, 1011);
    client.abort();
  },

  async 'keepalive keeps a peer that answers'() {
    await withPair({ server: { timeouts: { pingInterval: 15, pong: 100 } } }, async ({ client, server }) => {
      let pings = 0;
      client.onping = () => (pings += 1);
      await sleep(150);
      ensure(pings >= 3, `it was sent Pings: ${pings}`);
      equal([client.state, server.state], ['open', 'open']);
    });
  },
};
