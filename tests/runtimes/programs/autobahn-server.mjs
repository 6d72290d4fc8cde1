// node autobahn-server.mjs [PORT]: sends back what it receives, as the Autobahn suite wants it. Says where it listens.
import { createServer } from 'node:http';

import { CloseError, Upgrader } from 'sockeye';

import { echo } from './autobahn-echo.mjs';

const upgrader = new Upgrader({
  deflate: true,
  // The largest messages of the suite have 16 MiB.
  limits: { messageSize: 32 << 20, frameSize: 32 << 20 },
  // The suite is slow to begin when several of it share a core.
  timeouts: { handshake: 60_000 },
});
const server = createServer();
server.on('upgrade', (request, socket, head) => {
  upgrader
    .upgrade(request, socket, head)
    .then(echo)
    .catch((error) => {
      // A peer that breaks the rules is what the suite is made of.
      if (!(error instanceof CloseError)) console.error(error);
    });
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
