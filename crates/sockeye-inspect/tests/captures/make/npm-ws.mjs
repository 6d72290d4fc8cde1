// node npm-ws.mjs: npm ws in both roles, permessage-deflate with context takeover -> npm-ws.{c2s,s2c}.raw
import { WebSocket } from 'ws';
import { serve } from './peer.mjs';
import { record } from './relay.mjs';

const { port, server } = await serve();
const relay = await record(port, '../npm-ws');
const socket = new WebSocket(`ws://127.0.0.1:${relay.port}/echo?from=npm-ws`, ['demo.v1'], {
  perMessageDeflate: { threshold: 0 },
});
let answers = 0;
socket.on('open', () => {
  socket.send('hello');
  socket.send('compress me '.repeat(200));
  socket.send(Buffer.from([1, 2, 3, 255]));
  socket.send('not compressed', { compress: false });
  socket.send('stream');
});
socket.on('message', () => {
  answers += 1;
  // The greeting, four echoes, ten ticks.
  if (answers === 15) socket.ping('how long?');
});
socket.on('pong', () => socket.close(4001, 'bye'));
socket.on('close', () => server.close());
await relay.done;
