// Connections go on, whatever the other side does or leaves undone.
import { Engine, Upgrader } from 'sockeye';

import { plain, raw, withPair } from './engines.mjs';
import { bytes, concat, ensure, equal, noise, until } from './harness.mjs';

/** Little room, so that it is soon used up. */
const TIGHT = { limits: { sendBuffer: 10_000, receiveBuffer: 10_000 } };

async function echo(conn) {
  for await (const message of conn) await conn.send(message);
}

/** A server under `serve`, and an engine as its client, over a byte stream that is carried by hand. */
async function byHand(serve) {
  const wire = raw();
  const upgrader = new Upgrader();
  const accepted = upgrader.accept(wire.far);
  const client = new Engine({ role: 'client', host: 'example.com' });
  wire.write(client.take());
  serve(await accepted);
  upgrader.free();
  const events = [...client.receive(await wire.read((all) => all.length > 0))];
  wire.clear();
  return { wire, client, events };
}

export default {
  async 'two sides that send more than either holds do not wait for each other'() {
    await withPair({ highWater: 1000, server: TIGHT, client: TIGHT }, async ({ client, server }) => {
      const served = echo(server);
      const message = noise(5000);
      const sent = (async () => {
        for (let at = 0; at < 200; at += 1) await client.send(message);
      })();
      for (let at = 0; at < 200; at += 1) equal(await client.receive(), message);
      await sent;
      await client.close(1000);
      await served;
    });
  },

  async 'messages before a violation in the same read can be answered, by a hook and by a loop'() {
    const hook = (conn) => {
      conn.onmessages = (messages) => messages.forEach((message) => conn.send(message));
    };
    const loop = (conn) => echo(conn).catch((error) => equal(error.code, 'RESERVED_BITS'));
    for (const serve of [hook, loop]) {
      const { wire, client } = await byHand(serve);
      client.send('one');
      client.send('two');
      // A Text frame with RSV2 and RSV3.
      wire.write(concat(client.take(), bytes('b1 80 00000000')));
      const events = client.receive(await wire.read(() => wire.hasEnded));
      equal(plain(events).map(({ type, data, code }) => data ?? `${type} ${code}`), ['one', 'two', 'close 1002']);
      client.free();
    }
  },

  async 'a stream that nobody reads stops the peer, and goes on when it is read'() {
    await withPair({ server: TIGHT, client: TIGHT }, async ({ client, server, near }) => {
      const writer = client.sendStream('binary').getWriter();
      const piece = noise(10_000);
      let written = 0;
      const sent = (async () => {
        for (; written < 200; written += 1) await writer.write(piece);
        await writer.close();
      })();
      const { readable } = await server.receiveStream();
      await until(() => near.bufferedAmount > 10_000, 'the client is held up');
      ensure(written < 100, `${written} pieces were taken by a side that reads none`);
      let length = 0;
      for (const reader = readable.getReader(); ; ) {
        const { value, done } = await reader.read();
        if (done) break;
        length += value.length;
      }
      await sent;
      equal(length, 2_000_000);
    });
  },
};
