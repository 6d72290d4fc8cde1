// A worker in front of a backend: it dials the backend with a header that clients do not know, keeps it alive with Pings, and passes
// messages both ways.

import { bridge, Dialer, HandshakeError, isWebSocketUpgrade, upgradeToPair } from 'sockeye';

export default {
  async fetch(request, env) {
    if (!isWebSocketUpgrade(request)) return new Response('Connect a WebSocket.\n', { status: 426, headers: { Upgrade: 'websocket' } });
    const dialer = new Dialer({
      headers: { Authorization: `Bearer ${env.TOKEN}`, 'X-Forwarded-Host': new URL(request.url).host },
      // After this long without a sign of the backend it is sent a Ping; a teardown for idleness does not happen.
      timeouts: { pingInterval: 1000, handshake: 10_000 },
    });
    let backend;
    try {
      backend = await dialer.dial(env.BACKEND);
    } catch (error) {
      console.error(error.message);
      return new Response('The backend cannot be reached.\n', { status: error instanceof HandshakeError ? 502 : 504 });
    }
    const { response, conn } = upgradeToPair(request);
    conn.then((client) => bridge(client, backend)).catch((error) => {
      console.error(error.message);
      backend.abort();
    });
    return response;
  },
};
