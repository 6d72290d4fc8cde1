// Connections joined together.
import { bridge } from 'sockeye';

import { connected } from './engines.mjs';
import { equal, noise, within } from './harness.mjs';

export default {
  async 'what comes from one goes out on the other, both ways, and so does the end'() {
    const [front, back] = [await connected(), await connected()];
    const bridged = bridge(front.server, back.client);
    for (const data of ['Hello', noise(100_000), '']) {
      front.client.send(data);
      equal(await back.server.receive(), data);
      back.server.send(data);
      equal(await front.client.receive(), data);
    }
    back.server.close(4002, 'behind');
    const end = await within(5, front.client.closed);
    equal([end.code, end.reason], [4002, 'behind']);
    await within(5, bridged);
  },

  async 'a side that breaks ends the other'() {
    const [front, back] = [await connected(), await connected()];
    const bridged = bridge(front.server, back.client);
    front.client.abort();
    const end = await within(5, back.server.closed);
    equal(end.code === 1000, false);
    await within(5, bridged.catch(() => {}));
  },
};
