// node client.mjs GROUP URL DEFLATE: the client of ws. The exit status is the verdict.
import { once } from 'node:events';

import { Client, binary, check, digest, equal, run, same, text } from '../whatwg.mjs';
import { WebSocket } from './ws.mjs';

const [group, url, deflate] = process.argv.slice(2);

/** A peer whose sockets have these options. */
const withOptions = (options) => ({
  WebSocket: class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols, options);
    }
  },
  url,
  deflate: deflate === 'true',
});

const more = {
  /** Messages in many frames, compressed or not, with Pings in between. */
  async sent_fragments(peer) {
    const client = await Client.open(peer, '/digest');
    for (const payload of [text(50_000), binary(50_000)]) {
      const data = Buffer.from(payload);
      const options = { binary: typeof payload !== 'string', compress: true };
      for (let at = 0; at < data.length; at += 777) {
        client.socket.send(data.subarray(at, at + 777), { ...options, fin: at + 777 >= data.length });
        if (at % 3 === 0) client.socket.ping(`at ${at}`);
      }
      equal(await client.next(), await digest(payload), 'what the server received');
    }
    await client.close(1000);
  },

  /** Pings come back with their payload, in order. */
  async sent_pings(peer) {
    const client = await Client.open(peer, '/echo');
    for (const payload of ['', 'a', 'p'.repeat(125)]) {
      const pong = once(client.socket, 'pong');
      client.socket.ping(payload);
      equal((await pong)[0].toString(), payload, 'the Pong');
    }
    await client.close(1000);
  },

  /** Every parameter of permessage-deflate, alone and together. */
  async parameters() {
    for (const offer of [
      { serverNoContextTakeover: true },
      { clientNoContextTakeover: true },
      { serverMaxWindowBits: 9 },
      { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
      { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 10, clientMaxWindowBits: 12 },
    ]) {
      const client = await Client.open(withOptions({ perMessageDeflate: { ...offer, threshold: 0 } }), '/echo');
      const answer = client.socket.extensions;
      check(answer === 'permessage-deflate', `"${answer}"`);
      for (const payload of [1, 5000, 5000, 200_000].flatMap((size) => [text(size), binary(size)])) {
        client.send(payload);
        check(same(await client.next(), payload), `${payload.length} do not come back with ${JSON.stringify(offer)}`);
      }
      await client.close(1000);
    }
  },
};

await run(group, withOptions({ maxPayload: 64 << 20 }), more);
process.exit(0);
