// Everything that can be called wrongly: an error of the package's own, with a code, and nothing broken afterwards.
import { Dialer, Engine, FrameDecoder, PreparedMessage, SockeyeError, Upgrader, UsageError } from 'sockeye';

import { connected, established, exchange, opened, streams, withPair } from './engines.mjs';
import { bytes, ensure, equal, fails, noise, throws, words } from './harness.mjs';

const WRONG = [undefined, null, 1, true, Symbol('x'), {}, [1], () => {}, 10n, new Date(), new Map(), Object.create(null)];

/** Calls that throw: an error of the package's own, never what WebAssembly or the glue throws. */
function refused(call, what) {
  try {
    call();
  } catch (error) {
    if (error instanceof SockeyeError && typeof error.code === 'string' && /^[A-Z0-9_]+$/.test(error.code)) return error;
    throw new Error(`${what} threw otherwise than with an error of the package's own: ${words(error)}`);
  }
  return null;
}

const detached = () => {
  const data = new Uint8Array(8);
  structuredClone(data.buffer, { transfer: [data.buffer] });
  return data;
};

export default {
  'what is not bytes or text is refused wherever data is taken'() {
    const server = established('server');
    const decoder = new FrameDecoder();
    for (const value of WRONG) {
      const name = `${Object.prototype.toString.call(value)}`;
      for (const [what, call] of [
        ['send', () => server.send(value)],
        ['sendPart', () => server.sendPart('binary', value, true)],
        ['receive', () => server.receive(value)],
        ['forward', () => server.forward(value, established('client'))],
        ['decode', () => decoder.decode(value)],
        ['PreparedMessage', () => new PreparedMessage(value)],
      ]) {
        throws(UsageError, 'INVALID_ARGUMENT', call, `${what}(${name})`);
      }
      if (value !== undefined) {
        throws(UsageError, 'INVALID_ARGUMENT', () => server.ping(value), `ping(${name})`);
        throws(UsageError, 'INVALID_ARGUMENT', () => server.pong(value), `pong(${name})`);
      }
    }
    throws(UsageError, 'INVALID_ARGUMENT', () => server.receive('text'), 'receive(text)');
    throws(UsageError, 'INVALID_ARGUMENT', () => server.sendPart('other', '', true), 'sendPart(other)');
    equal(server.take().length, 0);
    equal(server.receive(bytes('81 85 37fa213d 7f9f4d5158')), [{ type: 'message', data: 'Hello' }]);
  },

  'wrong options are refused with a code, whatever they are'() {
    for (const value of WRONG) {
      ensure(refused(() => new Engine(value), 'new Engine'), `new Engine(${typeof value}) is refused`);
      ensure(refused(() => new Engine({ role: value }), 'role'), `the role ${typeof value} is refused`);
    }
    const make = (options) => () => new Engine({ role: 'server', ...options });
    for (const [options, what] of [
      [{ limits: 1 }, 'limits'],
      [{ limits: { messageSize: -1 } }, 'messageSize -1'],
      [{ limits: { messageSize: Number.NaN } }, 'messageSize NaN'],
      [{ limits: { messageSize: 'many' } }, 'messageSize as text'],
      [{ limits: { frameSize: -5 } }, 'frameSize -5'],
      [{ timeouts: { close: -1 } }, 'a timeout of -1'],
      [{ timeouts: { close: 'soon' } }, 'a timeout as text'],
      [{ deflate: 'yes' }, 'deflate as text'],
      [{ deflate: { level: 'best' } }, 'level as text'],
      [{ subprotocols: 'chat' }, 'subprotocols as text'],
      [{ headers: 5 }, 'headers as a number'],
      [{ headers: [['only']] }, 'a field without a value'],
      [{ origins: 7 }, 'origins as a number'],
      [{ delivery: 'streams' }, 'a delivery that is none'],
      [{ established: { deflate: 'permessage-bzip2' } }, 'an extension that is none'],
    ]) {
      ensure(refused(make(options), what), `${what} is refused`);
    }
    new Engine({ role: 'server' }).free();
  },

  'a detached buffer is DETACHED wherever data is taken'() {
    const server = established('server');
    const calls = {
      send: () => server.send(detached()),
      sendBuffer: () => server.send(detached().buffer),
      sendPart: () => server.sendPart('binary', detached(), true),
      ping: () => server.ping(detached()),
      receive: () => server.receive(detached()),
      decode: () => new FrameDecoder().decode(detached()),
      prepared: () => new PreparedMessage(detached()),
      forward: () => server.forward(detached(), established('client')),
    };
    for (const [what, call] of Object.entries(calls)) throws(UsageError, 'DETACHED', call, what);
    equal(server.take().length, 0);
  },

  'everything but another free is FREED after free'() {
    const engine = established('server');
    const other = established('client');
    engine.free();
    engine.free();
    engine[Symbol.dispose ?? 'free']();
    const calls = {
      receive: () => engine.receive(bytes('8100')),
      receiveEnd: () => engine.receiveEnd(),
      tick: () => engine.tick(),
      forward: () => engine.forward(bytes('8100'), other),
      forwardTo: () => other.forward(bytes('8100'), engine),
      admit: () => engine.admit(),
      refuse: () => engine.refuse(403),
      send: () => engine.send('x'),
      sendPart: () => engine.sendPart('text', 'x', true),
      sendPrepared: () => engine.sendPrepared(new PreparedMessage('x')),
      ping: () => engine.ping(),
      pong: () => engine.pong(),
      close: () => engine.close(),
      take: () => engine.take(),
      setLimits: () => engine.setLimits({}),
      setCompression: () => engine.setCompression(true),
      setCompressionLevel: () => engine.setCompressionLevel(1),
    };
    for (const [what, call] of Object.entries(calls)) throws(UsageError, 'FREED', call, what);
    const decoder = new FrameDecoder();
    decoder.free();
    decoder.free();
    throws(UsageError, 'FREED', () => decoder.decode(bytes('8100')));
    decoder.pending;
    const prepared = new PreparedMessage('x');
    prepared.free();
    prepared.free();
    throws(UsageError, 'FREED', () => other.sendPrepared(prepared));
    equal(other.receive(bytes('81 02 6869')), [{ type: 'message', data: 'hi' }]);
  },

  'freeing while a call reads its arguments breaks nothing'() {
    const engine = established('server');
    const seen = refused(() => engine.send('x', {
      get kind() {
        engine.free();
        return 'text';
      },
    }), 'send');
    if (seen) equal(seen.code, 'FREED');
    const second = established('server');
    refused(() => second.setLimits({
      get messageSize() {
        second.send('inside');
        second.free();
        return 5;
      },
    }), 'setLimits');
    let third = established('server');
    const fourth = () => new Engine({ role: 'server', headers: (function* () {
      third?.free();
      third = null;
      yield ['X-Y', 'z'];
    })() });
    fourth().free();
    equal(established('client').receive(bytes('81 02 6869')), [{ type: 'message', data: 'hi' }]);
  },

  'objects that are not what they are said to be are refused'() {
    const server = established('server');
    for (const value of [...WRONG, 'x', server]) throws(UsageError, null, () => server.sendPrepared(value), 'sendPrepared');
    for (const value of [...WRONG, 'x', new PreparedMessage('y')]) throws(UsageError, null, () => server.forward(bytes('8100'), value), 'forward');
    throws(UsageError, null, () => server.forward(bytes('81 85 37fa213d 7f9f4d5158'), server), 'forward to itself');
    const stolen = Engine.prototype.send;
    for (const value of [{}, Object.create(Engine.prototype), new PreparedMessage('y')]) {
      let error;
      try {
        stolen.call(value, 'x');
      } catch (caught) {
        error = caught;
      }
      ensure(error instanceof TypeError || error instanceof SockeyeError, `a method of another object throws in order: ${words(error)}`);
      ensure(!(error instanceof WebAssembly.RuntimeError), 'it is no RuntimeError');
    }
    equal(server.state, 'open');
  },

  'numbers out of range are refused or have a plain meaning'() {
    const server = established('server', { established: { deflate: 'permessage-deflate' }, deflate: true });
    for (const level of [-1, 10, 1.5, Number.NaN, Infinity, '5', null]) throws(UsageError, null, () => server.setCompressionLevel(level), `level ${level}`);
    for (const code of ['1000', 1000.5, Number.NaN, -1, 65_536 + 1000, null, {}]) {
      ensure(refused(() => server.close(code), `close(${String(code)})`), `close(${String(code)}) is refused`);
    }
    ensure(refused(() => server.close(1000, 5), 'close(1000, 5)'), 'a reason that is no text is refused');
    equal(server.state, 'open');
  },

  'engines that have ended throw nothing but errors of the package'() {
    const [client, server] = opened();
    client.close();
    exchange(client, server);
    server.receiveEnd();
    client.receiveEnd();
    for (const engine of [client, server]) {
      equal(engine.state, 'closed');
      equal(engine.receive(bytes('8100')), []);
      equal(engine.tick(), []);
      equal(engine.take().length, 0);
      for (const call of [() => engine.send('x'), () => engine.ping(), () => engine.sendPart('text', '', true)]) {
        equal(refused(call, 'a call after the end')?.code, 'CLOSE_SENT');
      }
      refused(() => engine.close(), 'close after the end');
      equal(engine.timeout, Infinity);
    }
  },

  async 'connections may be sent on, closed and aborted inside onmessages'() {
    await withPair({}, async ({ client, server }) => {
      const seen = [];
      server.onmessages = (messages) => {
        for (const message of messages) {
          seen.push(message);
          server.send(`you said ${message}`);
          server.ping('inside');
          if (message === 'bye') server.close(4000, 'inside');
        }
      };
      client.send('one');
      client.send('two');
      client.send('bye');
      const received = [];
      for await (const message of client) received.push(message);
      equal((await client.closed).code, 4000);
      equal(seen, ['one', 'two', 'bye']);
      equal(received, ['you said one', 'you said two', 'you said bye']);
    });
    await withPair({}, async ({ client, server }) => {
      let calls = 0;
      server.onmessages = () => {
        calls += 1;
        server.abort();
        server.abort();
      };
      client.send('one');
      client.send('two');
      equal((await server.closed).code, 1006);
      equal(calls, 1);
      equal((await client.closed).code, 1006);
    });
  },

  async 'taking onmessages away inside it gives the rest to receive'() {
    await withPair({}, async ({ client, server }) => {
      client.onmessages = (messages) => {
        equal(messages.length > 0, true);
        client.onmessages = null;
      };
      server.send('one');
      await new Promise((resolve) => setTimeout(resolve, 10));
      server.send('two');
      equal(await client.receive(), 'two');
    });
  },

  async 'an engine freed, or another used, inside a callback breaks nothing'() {
    await withPair({}, async ({ client, server }) => {
      const engine = established('server');
      server.onmessages = () => {
        engine.receive(bytes('81 85 37fa213d 7f9f4d5158'));
        engine.free();
        server.onmessages = null;
        client.send('from inside');
      };
      client.send('go');
      equal(await server.receive(), 'from inside');
    });
  },

  async 'an exception in a callback is the application\'s, and the connection goes on'() {
    await withPair({}, async ({ client, server }) => {
      const told = [];
      const listen = (event) => {
        event?.preventDefault?.();
        told.push(event?.error ?? event);
      };
      const host = globalThis.process;
      globalThis.addEventListener?.('error', listen);
      host?.on?.('uncaughtException', listen);
      try {
        server.onping = () => {
          throw new Error('from the application');
        };
        client.ping('x');
        client.send('after');
        equal(await server.receive(), 'after');
        server.send('still there');
        equal(await client.receive(), 'still there');
      } finally {
        await new Promise((resolve) => setTimeout(resolve, 20));
        globalThis.removeEventListener?.('error', listen);
        host?.off?.('uncaughtException', listen);
      }
    });
  },

  async 'a connection that has ended refuses everything in order'() {
    const { client, server } = await connected();
    await Promise.all([client.close(1000), server.receive()]);
    for (const conn of [client, server]) {
      await conn.closed;
      equal(conn.state, 'closed');
      for (const [what, call] of Object.entries({
        send: () => conn.send('x'),
        sendJson: () => conn.sendJson({}),
        sendPrepared: () => conn.sendPrepared(new PreparedMessage('x')),
        ping: () => conn.ping(),
        pong: () => conn.pong(),
      })) {
        throws(SockeyeError, 'CLOSE_SENT', call, what);
      }
      equal((await conn.close()).code, 1000);
      conn.abort();
      equal(await conn.receive(), null);
      equal(await conn.receive(), null);
      conn.setReadLimit?.(5);
      conn.setCompression?.(true);
    }
  },

  async 'what a connection is given wrongly is refused at once'() {
    await withPair({}, async ({ client, server }) => {
      for (const value of WRONG) {
        throws(UsageError, 'INVALID_ARGUMENT', () => client.send(value), `send(${typeof value})`);
        if (value !== undefined) throws(UsageError, 'INVALID_ARGUMENT', () => client.ping(value), `ping(${typeof value})`);
      }
      throws(UsageError, 'DETACHED', () => client.send(detached()));
      throws(UsageError, null, () => client.setReadLimit('big'));
      throws(UsageError, null, () => client.setCompressionLevel(11));
      client.send('fine');
      equal(await server.receive(), 'fine');
    });
  },

  async 'two receives at once are answered in order or refused'() {
    await withPair({}, async ({ client, server }) => {
      const first = server.receive();
      let second;
      try {
        second = server.receive();
        second.catch(() => {});
      } catch (error) {
        ensure(error instanceof UsageError, words(error));
      }
      client.send('one');
      client.send('two');
      equal(await first, 'one');
      try {
        equal(await second, 'two');
      } catch (error) {
        ensure(error instanceof UsageError && error.code === 'BUSY', words(error));
      }
    });
  },

  async 'streams that are none are refused with a code'() {
    const upgrader = new Upgrader();
    const dialer = new Dialer();
    for (const value of [undefined, null, 1, 'x', {}, { readable: 1, writable: 2 }]) {
      await fails(UsageError, null, () => upgrader.accept(value), `accept(${String(value)})`);
      await fails(UsageError, null, () => dialer.dialStream(value, 'ws://a/'), `dialStream(${String(value)})`);
    }
    for (const url of ['', 'nonsense', 'ftp://a/', 'ws://a/#x y', 5, null]) {
      const [near] = streams();
      // A fragment is dropped by some and refused by others: what matters is that nothing else is thrown.
      if (String(url).includes('#')) continue;
      await fails(UsageError, null, () => dialer.dialStream(near, url), `dialStream to ${url}`);
      await fails(UsageError, null, () => dialer.dial(url), `dial ${url}`);
    }
    upgrader.free();
    upgrader.free();
    await fails(UsageError, 'FREED', () => upgrader.accept(streams()[0]));
  },

  'a freed engine does not disturb those that came after it'() {
    for (let round = 0; round < 200; round += 1) {
      const engine = established('server');
      engine.receive(bytes('81 85 37fa213d'));
      engine.send(noise(100));
      const other = established('client');
      engine.free();
      other.send('x');
      equal(other.take().length, 7);
      other.free();
    }
  },
};
