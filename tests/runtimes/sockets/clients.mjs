// Clients on the platform's own sockets, against servers of others: { ws, wss, host, hostTls, tls } in the context.
import { CloseError, Dialer, HandshakeError, ProtocolError, SendError, dial } from 'sockeye';

import { ensure, equal, fails, noise, prose, sleep, text, throws, until, within } from '../suite/harness.mjs';

/** Runs `use` with a connection, and ends it. */
async function withConn(url, options, use) {
  const conn = await within(20, dial(url, options));
  try {
    return await use(conn);
  } finally {
    conn.abort();
  }
}

/** How the server of ws saw the connection of this name end. */
async function endOf(context, id) {
  for (let at = 0; at < 200; at += 1) {
    const end = await withConn(`${context.ws}/end-of?of=${id}`, {}, (conn) => conn.receiveJson());
    if (end !== null) return end;
    await sleep(20);
  }
  throw new Error('the server does not say how it ended');
}

const MORE = { limits: { messageSize: 8 << 20, frameSize: 8 << 20 } };
const SIZES = [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 3 << 20];

const ofWs = {
  async 'messages of every size come back, compressed or not'({ ws }) {
    for (const deflate of [false, true, { serverNoContextTakeover: true, clientNoContextTakeover: true }, { serverMaxWindowBits: 10, clientMaxWindowBits: 9 }]) {
      await withConn(`${ws}/echo`, { deflate, ...MORE }, async (conn) => {
        equal(conn.extensions?.startsWith('permessage-deflate') ?? false, Boolean(deflate), 'the extension');
        for (const size of SIZES) {
          for (const data of [noise(size), prose(size)]) {
            const sending = conn.send(data);
            equal(await within(20, conn.receive()), data, `${size}, deflate ${JSON.stringify(deflate)}`);
            await sending;
          }
        }
        equal((await conn.close(1000)).clean, true);
      });
    }
  },

  async 'many small messages in one burst come back in order'({ ws }) {
    await withConn(`${ws}/echo`, {}, async (conn) => {
      const seen = [];
      conn.onmessages = (messages) => seen.push(...messages);
      for (let at = 0; at < 5000; at += 1) conn.send(`message ${at}`);
      await until(() => seen.length === 5000, '5000 messages came back');
      equal(seen.every((message, at) => message === `message ${at}`), true);
    });
  },

  async 'messages in many frames, with Pings in between, are put together'({ ws }) {
    await withConn(`${ws}/fragments`, {}, async (conn) => {
      let pings = 0;
      conn.onping = () => (pings += 1);
      for (const data of [prose(10_500), noise(50_000)]) {
        conn.send(data);
        equal(await conn.receive(), data);
      }
      ensure(pings >= 50, `Pings came: ${pings}`);
      const stream = await Promise.all([conn.receiveStream(), conn.send(noise(20_000))]);
      equal(await new Response(stream[0].readable).arrayBuffer().then((all) => new Uint8Array(all)), noise(20_000));
    });
  },

  async 'a message sent as a stream arrives as one'({ ws }) {
    await withConn(`${ws}/echo`, {}, async (conn) => {
      const writer = conn.sendStream('binary').getWriter();
      for (let at = 0; at < 20; at += 1) await writer.write(noise(10_000, at));
      await writer.close();
      const back = await conn.receive();
      equal(back.length, 200_000);
      equal(back.subarray(190_000), noise(10_000, 19));
    });
  },

  async 'Pings come back with their payload, in both directions'({ ws }) {
    await withConn(`${ws}/ping`, {}, async (conn) => {
      const pongs = [];
      conn.onpong = (data) => pongs.push(text(data));
      conn.ping();
      conn.ping('payload');
      conn.ping(noise(125).map((byte) => byte & 0x7f));
      await until(() => pongs.length === 3, 'three Pongs came');
      equal(pongs.slice(0, 2), ['', 'payload']);
      equal(pongs[2].length, 125);
      conn.send('to be answered');
      equal(await conn.receive(), 'pong to be answered');
    });
  },

  async 'header fields, authorization, origin and subprotocols arrive'({ ws }) {
    const dialer = new Dialer({ subprotocols: ['chat.v1', 'chat.v2'], origin: 'https://example.com', headers: { 'X-One': '1' } });
    const url = new URL(`${ws}/asked?q=a%20b`);
    url.username = 'Aladdin';
    url.password = 'open sesame';
    const conn = await dialer.dial(url, { headers: [['X-Two', '2']] });
    const { headers, url: target, subprotocol } = await conn.receiveJson();
    equal([headers['x-one'], headers['x-two'], headers.origin, headers.host], ['1', '2', 'https://example.com', url.host]);
    equal(headers.authorization, 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
    equal(target, '/asked?q=a%20b');
    equal([subprotocol, conn.subprotocol], ['chat.v2', 'chat.v2']);
    equal(conn.response.headers.find(([name]) => name === 'x-server')?.[1], 'ws');
    conn.abort();
  },

  async 'both ends see the same close, whoever begins'(context) {
    for (const [code, reason] of [[1000, ''], [1001, 'away'], [4000, 'ünïcode'], [4999, 'x'.repeat(123)]]) {
      const id = crypto.randomUUID();
      const conn = await dial(`${context.ws}/echo?id=${id}`);
      const end = await conn.close(code, reason);
      equal([end.code, end.reason, end.clean, end.initiator], [code, reason, true, 'local']);
      equal(await endOf(context, id), { code, reason });
      const told = await dial(`${context.ws}/close`);
      told.sendJson({ code, reason });
      const other = await told.closed;
      equal([other.code, other.reason, other.clean, other.initiator], [code, reason, true, 'peer']);
    }
    const id = crypto.randomUUID();
    const conn = await dial(`${context.ws}/echo?id=${id}`);
    equal((await conn.close()).code, 1005);
    equal(await endOf(context, id), { code: 1005, reason: '' });
  },

  async 'a server that goes in the middle of a message, or between two, is 1006'({ ws }) {
    for (const path of ['/half', '/drop']) {
      const conn = await dial(`${ws}${path}`);
      conn.send('go');
      const error = await within(10, fails(CloseError, null, () => conn.receive()));
      equal([error.closeCode, error.close.clean, error.close.initiator], [1006, false, 'transport'], path);
      throws(SendError, 'CLOSE_SENT', () => conn.send('late'));
    }
  },

  async 'a refusal has status, fields and body'({ ws }) {
    const error = await fails(HandshakeError, 'REFUSED', () => dial(`${ws}/refuse`));
    equal([error.response.status, text(error.response.body)], [403, 'stay out']);
    equal(error.response.headers.find(([name]) => name === 'x-why')?.[1], 'because');
  },

  async 'a server that speaks no HTTP, or goes, or is silent, is a HandshakeError'({ ws }) {
    await fails(HandshakeError, null, () => dial(`${ws}/garbage`));
    await fails(HandshakeError, 'UNEXPECTED_END', () => dial(`${ws}/vanish`));
    await fails(HandshakeError, 'TIMEOUT', () => dial(`${ws}/hang`, { timeouts: { handshake: 100 } }));
    const reason = new Error('enough');
    const controller = new AbortController();
    const dialing = dial(`${ws}/hang`, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    equal(await within(5, dialing.catch((error) => error)), reason);
  },

  async 'a port on which nobody listens is an error'({ closedPort }) {
    let error;
    try {
      await within(20, dial(`ws://127.0.0.1:${closedPort}/`));
    } catch (caught) {
      error = caught;
    }
    ensure(error instanceof Error && !error.message.includes('within'), `it is an error: ${error}`);
  },

  async 'redirects are followed when asked for, and cookies kept'({ ws }) {
    await fails(HandshakeError, 'REFUSED', () => dial(`${ws}/redirect?to=/asked`));
    const told = [];
    const jar = { getCookieString: () => told.map((cookie) => cookie.split(';')[0]).join('; '), setCookie: (cookie) => told.push(cookie) };
    const conn = await dial(`${ws}/redirect?to=/asked`, { redirects: 3, jar });
    const { headers, url } = await conn.receiveJson();
    equal([url, headers.cookie], ['/asked', 'hop=1']);
    equal(told, ['hop=1', 'seen=1; Path=/', 'twice=2; Path=/']);
    conn.abort();
    const loop = encodeURIComponent(`/redirect?to=${encodeURIComponent('/redirect?to=/asked')}`);
    const error = await fails(HandshakeError, null, () => dial(`${ws}/redirect?to=${loop}`, { redirects: 1 }));
    equal(error.response.status, 302);
  },

  async 'a server that does not read is waited for, and what waits is bounded'({ ws }) {
    await withConn(`${ws}/silent`, { limits: { sendBuffer: 1 << 20 } }, async (conn) => {
      let sent = 0;
      for (;;) {
        const sending = conn.send(noise(65_536));
        sent += 65_536;
        if (!(await Promise.race([sending.then(() => true), sleep(1000).then(() => false)]))) break;
        ensure(sent < 256 << 20, 'sending is held up at some time');
      }
      ensure(conn.bufferedAmount > 0 && conn.bufferedAmount < 3 << 20, `what waits is bounded: ${conn.bufferedAmount}`);
    });
    await withConn(`${ws}/late`, { limits: { sendBuffer: 1 << 20 } }, async (conn) => {
      for (let at = 0; at < 300; at += 1) await conn.send(noise(65_536));
      conn.send('how much?');
      equal(await within(20, conn.receive()), String(300 * 65_536));
      await until(() => conn.bufferedAmount === 0, 'nothing waits');
    });
  },

  async 'a client that does not receive stops the server, and loses nothing'({ ws, flood }) {
    const id = crypto.randomUUID();
    await withConn(`${ws}/flood?id=${id}`, { limits: { receiveBuffer: 1 << 20 } }, async (conn) => {
      const sent = () => withConn(`${ws}/flooded?id=${id}`, {}, async (other) => Number(await other.receive()));
      let before = -1;
      let now = await sent();
      while (now !== before) {
        await sleep(700);
        [before, now] = [now, await sent()];
      }
      ensure(now < flood / 2, `the server stopped: ${now} of ${flood} messages`);
      for (let at = 0; at < flood; at += 1) equal((await within(20, conn.receive())).length, 65_536);
      equal(await sent(), flood);
    });
  },

  async 'deadlines on receive leave the connection usable'({ ws }) {
    await withConn(`${ws}/echo`, {}, async (conn) => {
      for (let at = 0; at < 3; at += 1) {
        const error = await conn.receive({ signal: AbortSignal.timeout(30) }).catch((caught) => caught);
        equal(error.name, 'TimeoutError');
        conn.send(`round ${at}`);
        equal(await conn.receive({ signal: AbortSignal.timeout(5000) }), `round ${at}`);
      }
    });
  },

  async 'a limit is kept to on the socket as well'({ ws }) {
    await withConn(`${ws}/echo`, { limits: { messageSize: 1000 } }, async (conn) => {
      conn.send(noise(1001));
      const error = await fails(CloseError, 'MESSAGE_TOO_BIG', () => conn.receive());
      ensure(error.cause instanceof ProtocolError && error.cause.closeCode === 1009, 'its cause is the broken limit');
    });
  },

  async 'fifty connections at once do not disturb each other'({ ws }) {
    // Some platforms allow six connections at a time that have not been answered.
    await Promise.all(Array.from({ length: 50 }, (_, name) => withConn(`${ws}/echo`, { deflate: name % 2 === 0 }, async (conn) => {
      for (let at = 0; at < 10; at += 1) {
        const data = `${name}:${at}:${'z'.repeat(at * 97)}`;
        conn.send(data);
        equal(await conn.receive(), data);
      }
      equal((await conn.close(1000)).clean, true);
    })));
  },

  async 'row_38 addresses are known where the platform tells them'({ ws, hasAddresses }) {
    await withConn(`${ws}/echo`, {}, (conn) => {
      ensure(conn.socket !== null && typeof conn.socket === 'object', 'the socket is there');
      if (hasAddresses) {
        ensure(conn.remoteAddress.endsWith(new URL(ws).port) && conn.remoteAddress.includes('127.0.0.1'), `the peer's address is ${conn.remoteAddress}`);
        ensure(conn.localAddress.includes('127.0.0.1'), `this side's address is ${conn.localAddress}`);
      }
    });
  },
};

const overTls = {
  async 'row_13 a connection over TLS carries messages and closes in order'({ wss, tls }) {
    await withConn(`${wss}/echo`, { tls, deflate: true, ...MORE }, async (conn) => {
      for (const data of ['Hello', noise(65_536), prose(3 << 20)]) {
        const sending = conn.send(data);
        equal(await within(20, conn.receive()), data);
        await sending;
      }
      equal((await conn.close(1000)).clean, true);
    });
  },

  async 'row_13 a certificate that nobody vouches for is refused'({ wss, trustsAll }) {
    // What the worker trusts stands in its configuration.
    if (trustsAll) return;
    let error;
    try {
      const conn = await within(20, dial(`${wss}/echo`));
      conn.abort();
    } catch (caught) {
      error = caught;
    }
    ensure(error instanceof Error && !error.message.includes('within'), 'dialling failed');
  },

  async 'row_13 a certificate for another name is refused'({ wss, tls }) {
    let error;
    try {
      const conn = await within(20, dial(`${wss.replace('localhost', '127.0.0.2')}/echo`, { tls }));
      conn.abort();
    } catch (caught) {
      error = caught;
    }
    ensure(error instanceof Error && !error.message.includes('within'), 'dialling failed');
  },
};

const ofHost = {
  async 'messages of every size come back, compressed or not'({ host }) {
    for (const deflate of [false, true, { serverNoContextTakeover: true, clientNoContextTakeover: true }]) {
      await withConn(`${host}/`, { deflate, subprotocols: ['chat'], ...MORE }, async (conn) => {
        equal(conn.subprotocol, 'chat');
        equal(conn.extensions?.startsWith('permessage-deflate') ?? false, Boolean(deflate));
        for (const size of SIZES) {
          for (const data of [noise(size), prose(size)]) {
            const sending = conn.send(data);
            equal(await within(20, conn.receive()), data);
            await sending;
          }
        }
        const pong = new Promise((resolve) => (conn.onpong = (data) => resolve(text(data))));
        conn.ping('payload');
        equal(await within(5, pong), 'payload');
        const end = await conn.close(4001, 'seen');
        equal([end.code, end.clean], [4001, true]);
      });
    }
  },

  async 'an origin of another host is refused with 403'({ host }) {
    const error = await fails(HandshakeError, 'REFUSED', () => dial(host, { origin: 'https://elsewhere.example' }));
    equal(error.response.status, 403);
    ensure(error.response.body.length > 0, 'the body says why');
  },

  async 'a connection over TLS comes back'({ hostTls, tls }) {
    await withConn(`${hostTls}/`, { tls, deflate: true }, async (conn) => {
      conn.send(prose(100_000));
      equal(await within(20, conn.receive()), prose(100_000));
      equal((await conn.close(1000)).clean, true);
    });
  },
};

/** Against ws, over TLS, and against the program `sockeye`. */
export const groups = { 'dialling ws': ofWs, 'dialling ws over TLS': overTls, 'dialling sockeye': ofHost };
