// The tests in a worker, and its servers: TCP connections that come in, and a WebSocketPair.
import { groups as suite } from '../suite/index.mjs';

import { Upgrader, isWebSocketUpgrade, upgradeToPair } from 'sockeye';

import { answer, answerBasic } from '../sockets/answers.mjs';
import { groups as clients } from '../sockets/clients.mjs';
import { settings } from '../sockets/settings.mjs';
import { run } from '../suite/harness.mjs';

const sets = { suite, clients };
const upgrader = new Upgrader(settings);

export default {
  async fetch(request) {
    if (isWebSocketUpgrade(request)) {
      const { response, conn } = upgradeToPair(request, { origins: 'any', subprotocols: settings.subprotocols });
      conn.then((opened) => answerBasic(opened, request.url), () => {});
      return response;
    }
    const { set, filter, only, context } = await request.json();
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    const report = (outcome) => writer.write(new TextEncoder().encode(`${JSON.stringify(outcome)}\n`));
    run(sets[set], { filter, only, context }, report)
      .catch((error) => report({ name: set, ok: false, reason: String(error) }))
      .then(() => report({ done: true }))
      .then(() => writer.close());
    return new Response(readable);
  },

  async connect(socket) {
    const conn = await upgrader.accept(socket).catch(() => null);
    if (conn) await answer(conn);
  },
};
