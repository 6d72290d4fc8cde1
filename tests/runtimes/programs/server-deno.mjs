// A server on Deno's own sockets. Says where it listens.
import { Upgrader } from 'sockeye';

import { answer } from '../sockets/answers.mjs';
import { settings } from '../sockets/settings.mjs';

const upgrader = new Upgrader(settings);
const listener = Deno.listen({ hostname: '127.0.0.1', port: 0 });
console.log(`listening on ws://127.0.0.1:${listener.addr.port}`);
for await (const socket of listener) {
  upgrader.accept(socket).then(answer, (error) => console.error(`not let in: ${error.message}`));
}
