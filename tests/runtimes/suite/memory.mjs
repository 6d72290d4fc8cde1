// Memory does not grow with the number of connections that have been.
import { connected, opened } from './engines.mjs';
import { equal, prose } from './harness.mjs';
import { memoryBytes } from './probe.mjs';

async function connections(count, deflate) {
  for (let at = 0; at < count; at += 20) {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { client, server } = await connected({ server: { deflate }, client: { deflate } });
        client.send(prose(2000));
        server.send(await server.receive());
        await client.receive();
        await Promise.all([client.close(1000), server.receive()]);
        await server.closed;
      }),
    );
  }
}

export default {
  'engines work on while the making of others makes the memory grow'() {
    const before = memoryBytes();
    const pairs = [];
    // At least until it has grown twice, from whichever call.
    for (let at = 0, seen = before, grown = 0; grown < 2 && at < 2000; at += 1) {
      const pair = opened({ deflate: true });
      pairs.push(pair);
      const [client, server] = pair;
      const text = prose(1000 + at);
      client.send(text);
      equal(server.receive(client.take()), [{ type: 'message', data: text }]);
      if (memoryBytes() > seen) grown += 1;
      seen = memoryBytes();
    }
    equal(memoryBytes() > before, true);
    for (const engine of pairs.flat()) engine.free();
  },

  async '10,000 connections opened and closed leave the memory as it was after 2,000'() {
    await connections(1000, false);
    await connections(1000, true);
    const before = memoryBytes();
    await connections(4000, false);
    await connections(4000, true);
    equal(memoryBytes(), before);
  },

  async 'connections that were aborted leave nothing either'() {
    const aborted = async (count) => {
      for (let at = 0; at < count; at += 1) {
        const { client, server } = await connected({ server: { deflate: true }, client: { deflate: true } });
        client.send(prose(5000));
        client.abort();
        server.abort();
      }
    };
    await aborted(500);
    const before = memoryBytes();
    await aborted(2000);
    equal(memoryBytes(), before);
  },

  '10,000 engines that were freed leave the memory as it was after 1,000'() {
    const engines = (count) => {
      for (let at = 0; at < count; at += 1) {
        const [client, server] = opened({ deflate: at % 2 === 0 });
        client.send(prose(3000));
        server.receive(client.take());
        client.free();
        server.free();
      }
    };
    engines(1000);
    const before = memoryBytes();
    engines(10_000);
    equal(memoryBytes(), before);
  },
};
