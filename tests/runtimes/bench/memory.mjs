// What connections leave behind, and what an idle one takes.

import { Client, Counter } from './load.mjs';
import { BINARY, PONG, frame, noise } from './frames.mjs';
import { Server } from './servers.mjs';
import { bold, bytes, print } from './table.mjs';

/** How many are open at a time while connections come and go. */
const ABREAST = 100;

/** Measures both, uncompressed and compressed. */
export async function measureMemory({ entry, connections }) {
  const come = [], idle = [], figures = [];
  for (const windowBits of [0, 15, 12]) {
    for (const name of ['onmessages', 'ws + bufferutil']) {
      const title = windowBits > 0 ? `${name}, deflate ${windowBits} bits` : name;
      const churned = await inServer(name, { entry, windowBits }, (server) => churn(server, connections, windowBits));
      const isFlat = churned.after.linear === churned.settled.linear;
      come.push([title, ...['before', 'settled', 'after'].flatMap((when) => [churned[when].linear ? bytes(churned[when].linear) : '-', bytes(churned[when].resident)]), churned.after.linear ? (isFlat ? 'yes' : bold('NO')) : '']);
      const held = await inServer(name, { entry, windowBits }, (server) => hold(server, connections, windowBits));
      idle.push([title, bytes(held.resident / connections), held.linear ? bytes(held.linear / connections) : '-']);
      figures.push({ title, churned, held });
    }
  }
  print(
    `${connections.toLocaleString('en')} connections, ${ABREAST} at a time, each with one message of 16 KiB: linear and resident memory`,
    ['', 'at first', '', `after ${2 * ABREAST} at once`, '', 'at the end', '', 'flat'],
    come,
  );
  print(`Memory of one of ${connections.toLocaleString('en')} idle connections that have had a message of 125 B`, ['', 'resident', 'of it linear'], idle);
  return figures;
}

async function inServer(name, options, work) {
  const server = await Server.start(name, options);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

async function churn(server, connections, windowBits) {
  const message = frame(BINARY, noise(16_384));
  const talk = async (localAddress) => {
    const client = await Client.open(server.port, { windowBits, localAddress });
    await echoed(client, message);
    return client;
  };
  const before = await server.usage({ collectGarbage: true });
  // More than are ever open later, all at once: the most memory that is needed at a time.
  const most = await Promise.all(Array.from({ length: 2 * ABREAST }, () => talk('127.0.0.2')));
  await Promise.all(most.map((client) => client.close()));
  const settled = await server.usage({ collectGarbage: true });
  let left = connections;
  const come = async () => {
    while (left > 0) {
      left -= 1;
      const client = await talk('127.0.0.3');
      await client.close();
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, come));
  const after = await server.usage({ collectGarbage: true });
  return { before, settled, after };
}

async function hold(server, connections, windowBits) {
  const message = frame(BINARY, noise(125));
  const pong = frame(PONG, Buffer.alloc(0));
  // The first of them make what all of them share.
  const clients = [];
  const more = async (count) => {
    while (clients.length < count) {
      const some = Array.from({ length: Math.min(ABREAST, count - clients.length) }, async () => {
        const client = await Client.open(server.port, { windowBits, localAddress: '127.0.0.4' });
        await echoed(client, message);
        // What comes now is a Ping, after a long time.
        client.onread = () => client.send(pong);
        return client;
      });
      clients.push(...(await Promise.all(some)));
    }
    return server.usage({ collectGarbage: true });
  };
  const before = await more(ABREAST);
  const after = await more(ABREAST + connections);
  await Promise.all(clients.map((client) => client.close()));
  return { resident: after.resident - before.resident, linear: after.linear - before.linear };
}

/** Sends a message and waits for the answer. */
function echoed(client, message) {
  const counter = new Counter();
  return new Promise((resolve) => {
    client.onread = (length) => {
      if (counter.count(client.buffer, length) > 0) resolve();
    };
    client.send(message);
  });
}
