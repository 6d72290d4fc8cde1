// What TypeScript makes of the package: it is to compile without an error, and each expected error is to be one.

import {
  type BasicConn,
  type Close,
  type Conn,
  type Message,
  type PlatformConn,
  type Transport,
  bridge,
  CloseCode,
  dial,
  Dialer,
  Engine,
  fromWebSocket,
  isCloseError,
  PreparedMessage,
  Upgrader,
} from 'sockeye';
import { Engine as InlineEngine } from 'sockeye/inline';
import { Conn as ManualConn, init, initSync } from 'sockeye/manual';
import * as proxy from 'sockeye/proxy';

export async function client(url: URL, signal: AbortSignal): Promise<Close> {
  const dialer = new Dialer({ headers: { authorization: 'Bearer token' }, deflate: { level: 6 }, subprotocols: ['chat'] });
  await using conn: Conn = await dialer.dial(url, { signal });
  conn.ping('still there?');
  await conn.send('text');
  await conn.send(new Uint8Array([1, 2, 3]), { kind: 'binary', compress: false });
  await conn.sendPrepared(new PreparedMessage('to all'));
  conn.onmessages = (messages: Message[]) => messages.length;
  for await (const message of conn) {
    if (typeof message === 'string') message.toUpperCase();
    else message.subarray(1);
  }
  const short = await dial('wss://example.com/', { timeouts: { handshake: null } });
  const stream = await short.receiveStream();
  for await (const chunk of stream?.readable ?? []) chunk.byteLength;
  return conn.close(CloseCode.NORMAL, 'done');
}

export async function server(transport: Transport): Promise<void> {
  const upgrader = new Upgrader({
    origins: ['https://*.example.com'],
    onRequest: ({ target }) => (target === '/' ? undefined : { status: 404 }),
  });
  const conn = await upgrader.accept(transport);
  const missing: BasicConn = conn;
  await bridge(conn, missing);
}

export async function platform(socket: WebSocket): Promise<PlatformConn> {
  const conn = await fromWebSocket(socket);
  // @ts-expect-error A platform's WebSocket cannot ping.
  conn.ping();
  // @ts-expect-error Nor can it be read as streams.
  await conn.receiveStream();
  const cannot: false = conn.abilities.backpressure;
  return cannot || conn;
}

export function engine(chunk: Uint8Array): Uint8Array {
  using engine = new Engine({ role: 'server', established: true });
  for (const event of engine.receive(chunk)) {
    if (event.type === 'message') engine.send(event.data);
    if (event.type === 'close' && event.close.error) event.close.error.code.length;
  }
  // @ts-expect-error There is no such role.
  new InlineEngine({ role: 'peer' });
  return engine.take();
}

export async function manual(bytes: Uint8Array, error: unknown): Promise<ManualConn | number> {
  initSync(bytes);
  await init(new URL('https://example.com/sockeye.wasm'));
  // @ts-expect-error A number is no module.
  initSync(1);
  if (isCloseError(error, 1001)) return error.closeCode;
  throw error;
}

export const names = Object.keys(proxy);
