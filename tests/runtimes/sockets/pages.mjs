// What a browser's own WebSocket sees of a server: { url } in the context.
import { equal, ensure, noise, prose, within } from '../suite/harness.mjs';

const open = (context, path, protocols = []) => new Promise((resolve, reject) => {
  const socket = new WebSocket(`${context.url}${path}`, protocols);
  socket.binaryType = 'arraybuffer';
  const inbox = [];
  const waiting = [];
  socket.onmessage = ({ data }) => {
    const message = typeof data === 'string' ? data : new Uint8Array(data);
    const waiter = waiting.shift();
    if (waiter) waiter(message);
    else inbox.push(message);
  };
  socket.receive = () => within(20, inbox.length > 0 ? inbox.shift() : new Promise((received) => waiting.push(received)));
  socket.ended = new Promise((ended) => (socket.onclose = ({ code, reason, wasClean }) => ended({ code, reason, clean: wasClean })));
  socket.onopen = () => resolve(socket);
  socket.onerror = () => reject(new Error('the connection did not open'));
});

const ended = async (context, id) => {
  const socket = await open(context, `/ended?id=${id}`);
  const end = JSON.parse(await socket.receive());
  socket.close();
  return end;
};

const browser = {
  async 'text and bytes of every size come back'(context) {
    for (const path of ['/echo', '/batch']) {
      const socket = await open(context, path);
      for (const data of ['', 'Hello', 'grüße 😀', noise(0), noise(125), noise(126), noise(65_535), noise(65_536), noise(1 << 20), prose(1 << 20)]) {
        socket.send(data);
        equal(await socket.receive(), data);
      }
      socket.close(1000);
      equal(await socket.ended, { code: 1000, reason: '', clean: true });
    }
  },

  async 'a burst of messages comes back in order'(context) {
    const socket = await open(context, '/batch');
    for (let at = 0; at < 3000; at += 1) socket.send(`message ${at}`);
    for (let at = 0; at < 3000; at += 1) equal(await socket.receive(), `message ${at}`);
    socket.close();
    ensure((await socket.ended).clean, 'it closed in order');
  },

  async 'the server sees how the page closed'(context) {
    for (const [code, reason] of [[1000, ''], [4001, 'grüße'], [undefined, undefined]]) {
      const id = crypto.randomUUID();
      const socket = await open(context, `/echo?id=${id}`);
      if (code === undefined) socket.close();
      else socket.close(code, reason);
      equal((await socket.ended).code, code ?? 1005);
      equal(await ended(context, id), { code: code ?? 1005, reason: reason ?? '', clean: true, initiator: 'peer' });
    }
  },

  async 'the page sees how the server closed'(context) {
    for (const [code, reason] of [[1000, ''], [1001, 'away'], [1011, ''], [4999, 'x'.repeat(123)]]) {
      const socket = await open(context, '/close');
      socket.send(JSON.stringify({ code, reason }));
      equal(await socket.ended, { code, reason, clean: true });
    }
  },

  async 'a subprotocol is agreed on'(context) {
    const socket = await open(context, '/agreed', ['chat.v1', 'chat.v2']);
    equal(socket.protocol, 'chat.v2');
    equal(JSON.parse(await socket.receive()).subprotocol, 'chat.v2');
    socket.close();
  },
};

const raw = {
  async 'permessage-deflate is agreed on'(context) {
    const socket = await open(context, '/agreed');
    ensure(socket.extensions.startsWith('permessage-deflate'), `the extensions are ${socket.extensions}`);
    equal(JSON.parse(await socket.receive()).extensions, socket.extensions);
    socket.close();
  },

  async 'streams of messages come back'(context) {
    const socket = await open(context, '/streams');
    for (const data of [prose(300_000), noise(100_000), '']) {
      socket.send(data);
      equal(await socket.receive(), data);
    }
    socket.close(1000);
    equal((await socket.ended).code, 1000);
  },

  async 'a Ping is answered by the browser'(context) {
    const socket = await open(context, '/ping');
    socket.send('to be answered');
    equal(await socket.receive(), 'pong to be answered');
    socket.close();
  },
};

/** All that a server over a byte stream does. */
export const groups = { Chromium: browser, 'Chromium, further': raw };
