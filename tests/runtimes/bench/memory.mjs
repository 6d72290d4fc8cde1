// What connections leave behind, and what an idle one takes.

import { Client, Counter } from './load.mjs';
import { BINARY, PONG, frame, noise } from './frames.mjs';
import { Server } from './servers.mjs';
import { bold, bytes, print } from './table.mjs';

/** How many are open at a time while connections come and go. */
const ABREAST = 100;
/** The part of the connections after which buffers have got their size. */
const SETTLED = 0.1;

/** Measures both, uncompressed and compressed. */
export async function measureMemory({ entry, connections }) {
  const come = [], idle = [], figures = [];
  for (const isDeflated of [false, true]) {
    for (const name of ['onmessages', 'ws + bufferutil']) {
      const title = isDeflated ? `${name}, deflate` : name;
      const churned = await inServer(name, { entry, isDeflated }, (server) => churn(server, connections, isDeflated));
      const isFlat = churned.after.linear === churned.settled.linear;
      come.push([title, ...['before', 'settled', 'after'].flatMap((when) => [churned[when].linear ? bytes(churned[when].linear) : '-', bytes(churned[when].resident)]), churned.after.linear ? (isFlat ? 'yes' : bold('NO')) : '']);
      const held = await inServer(name, { entry, isDeflated }, (server) => hold(server, connections, isDeflated));
      idle.push([title, bytes(held.resident / connections), held.linear ? bytes(held.linear / connections) : '-']);
      figures.push({ title, churned, held });
    }
  }
  print(
    `${connections.toLocaleString('en')} connections, ${ABREAST} at a time, each with one message of 16 KiB: linear and resident memory`,
    ['', 'at first', '', 'after a tenth', '', 'at the end', '', 'flat'],
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

async function churn(server, connections, isDeflated) {
  const message = frame(BINARY, noise(16_384));
  let left = 0, localAddress;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const client = await Client.open(server.port, { isDeflated, localAddress });
      await echoed(client, message);
      await client.close();
    }
  };
  const some = async (count, address) => {
    left = count;
    localAddress = address;
    await Promise.all(Array.from({ length: ABREAST }, worker));
    return server.usage({ collectGarbage: true });
  };
  const before = await server.usage({ collectGarbage: true });
  const settled = await some(Math.ceil(connections * SETTLED), '127.0.0.2');
  const after = await some(Math.floor(connections * (1 - SETTLED)), '127.0.0.3');
  return { before, settled, after };
}

async function hold(server, connections, isDeflated) {
  const message = frame(BINARY, noise(125));
  const pong = frame(PONG, Buffer.alloc(0));
  // The first of them make what all of them share.
  const clients = [];
  const more = async (count) => {
    while (clients.length < count) {
      const some = Array.from({ length: Math.min(ABREAST, count - clients.length) }, async () => {
        const client = await Client.open(server.port, { isDeflated, localAddress: '127.0.0.4' });
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
