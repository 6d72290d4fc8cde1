// A server behind node:http, in Node, Deno and Bun. Says where it listens.
import { createServer } from 'node:http';

import { Upgrader } from 'sockeye';

import { answer } from '../sockets/answers.mjs';
import { settings } from '../sockets/settings.mjs';

const upgrader = new Upgrader(settings);
const server = createServer((request, response) => response.end('a page'));
server.on('upgrade', (request, socket, head) => {
  upgrader.upgrade(request, socket, head).then(answer, (error) => console.error(`not let in: ${error.message}`));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
