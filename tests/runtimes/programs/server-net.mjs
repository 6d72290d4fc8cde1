// A server on the sockets of node:net, in Node and Bun. Says where it listens.
import { createServer } from 'node:net';

import { Upgrader } from 'sockeye';

import { answer } from '../sockets/answers.mjs';
import { settings } from '../sockets/settings.mjs';

const upgrader = new Upgrader(settings);
const server = createServer({ noDelay: true }, (socket) => {
  upgrader.accept(socket).then(answer, (error) => console.error(`not let in: ${error.message}`));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
