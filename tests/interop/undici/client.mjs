// node client.mjs GROUP URL DEFLATE: Node's own WebSocket client, which is undici's. The exit status is the verdict.
import { Client, run } from '../whatwg.mjs';

const [group, url, deflate] = process.argv.slice(2);

const more = {
  /** An error, as for the others, but after it the undici of Node 20 and 22 does not tell of a close. */
  async refusal(peer) {
    await new Client(peer, '/refused').opened.then(
      () => Promise.reject(new Error('let in')),
      () => {},
    );
  },
};

await run(group, { WebSocket: globalThis.WebSocket, url, deflate: deflate === 'true' }, more);
process.exit(0);
