import { appendFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';

/**
 * Passes the bytes of one TCP connection on, and writes each direction to a file.
 *
 * @param {number} port of the server on 127.0.0.1
 * @param {string} name of the files, without `.c2s.raw` and `.s2c.raw`
 * @returns {Promise<{ port: number, done: Promise<void> }>} where it listens, and when the connection ended
 */
export async function record(port, name) {
  const files = [`${name}.c2s.raw`, `${name}.s2c.raw`];
  for (const file of files) writeFileSync(file, '');
  let end;
  const done = new Promise((resolve) => (end = resolve));
  const relay = net.createServer((client) => {
    relay.close();
    const server = net.connect(port, '127.0.0.1');
    for (const [from, to, file] of [[client, server, files[0]], [server, client, files[1]]]) {
      from.on('data', (bytes) => {
        appendFileSync(file, bytes);
        to.write(bytes);
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
    }
    client.on('close', end);
  });
  await new Promise((resolve) => relay.listen(0, '127.0.0.1', resolve));
  return { port: relay.address().port, done };
}
