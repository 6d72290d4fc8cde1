// Pairs of engines, and of connections, for tests without IO.
import { Dialer, Engine, Upgrader } from 'sockeye';

import { concat } from './harness.mjs';

/** A client and a server, before their handshake. */
export const unopened = (client = {}, server = client) => [
  new Engine({ role: 'client', host: 'example.com', target: '/chat?room=1', ...client }),
  new Engine({ role: 'server', ...server }),
];

/** A client and a server whose handshake is done. */
export function opened(client = {}, server = client) {
  const pair = unopened(client, server);
  const events = exchange(...pair);
  const kinds = events.map((all) => all.map((event) => event.type).join());
  if (kinds.join('/') !== 'open/open') throw new Error(`the handshake did not open: ${JSON.stringify(events)}`);
  return pair;
}

/** An engine whose handshake was done elsewhere. */
export const established = (role, options = {}) => new Engine({ role, established: true, ...options });

/** Carries what is pending back and forth until nothing is. Returns the events of `a` and those of `b`. */
export function exchange(a, b) {
  const events = [[], []];
  for (let round = 0; round < 1000; round += 1) {
    const [fromA, fromB] = [a.take(), b.take()];
    if (fromA.length === 0 && fromB.length === 0) return events;
    if (fromA.length > 0) events[1].push(...b.receive(fromA));
    if (fromB.length > 0) events[0].push(...a.receive(fromB));
  }
  throw new Error('two engines would not come to rest');
}

/** Gives `engine` the bytes in pieces that end at these places. */
export function feed(engine, data, ...cuts) {
  const places = [0, ...cuts, data.length];
  return places.slice(1).flatMap((end, at) => engine.receive(data.slice(places[at], end)));
}

/** Events as they are told apart: errors by their codes, parts joined. */
export function plain(events) {
  const found = [];
  for (const event of events) {
    const last = found.at(-1);
    if (event.type === 'close') {
      const { error, ...close } = event.close;
      found.push({ type: 'close', ...close, error: error?.code ?? null });
    } else if (event.type === 'part' && last?.type === 'part' && !last.fin) {
      last.data = concat(last.data, event.data);
      last.fin = event.fin;
    } else {
      found.push({ ...event });
    }
  }
  return found;
}

/** A byte stream and its other end, in memory. What `writes` of each lists went out there. */
export function streams({ highWater = 65_536, isOwned = true, cut = Infinity } = {}) {
  const a = new MemoryTransport(highWater, isOwned, cut);
  const b = new MemoryTransport(highWater, isOwned, cut);
  a.peer = b;
  b.peer = a;
  return [a, b];
}

class MemoryTransport {
  localAddress = null;
  remoteAddress = null;
  socket = this;
  bufferedAmount = 0;
  /** What was written, for tests to look at. */
  written = 0;
  isDestroyed = false;
  isEnded = false;
  #sink = null;
  #inbox = [];
  #isPaused = false;
  #isScheduled = false;
  #highWater;
  #isOwned;
  #cut;
  #isFull = false;

  constructor(highWater, isOwned, cut) {
    this.#highWater = highWater;
    this.#isOwned = isOwned;
    this.#cut = cut;
  }

  start(sink) {
    this.#sink = sink;
    this.#schedule();
  }

  write(head, payload) {
    for (const piece of payload ? [head, payload] : [head]) {
      this.written += piece.length;
      this.bufferedAmount += piece.length;
      this.peer.#take(piece);
    }
    this.#isFull = this.bufferedAmount >= this.#highWater;
    return !this.#isFull;
  }

  pause() {
    this.#isPaused = true;
  }

  resume() {
    this.#isPaused = false;
    this.#schedule();
  }

  end() {
    this.isEnded = true;
    this.peer.#take(null);
  }

  destroy() {
    this.isDestroyed = true;
    this.peer.#take(null);
  }

  #take(piece) {
    this.#inbox.push(piece);
    this.#schedule();
  }

  #schedule() {
    if (this.#isScheduled || this.#isPaused || !this.#sink || this.#inbox.length === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (this.#isPaused || this.isDestroyed) return;
      let piece = this.#inbox.shift();
      if (piece === undefined) return;
      if (piece === null) return void this.#sink.end();
      if (piece.length > this.#cut) {
        this.#inbox.unshift(piece.subarray(this.#cut));
        piece = piece.subarray(0, this.#cut);
      }
      // Copied: both ends would otherwise see what either does to it.
      this.#sink.data(piece.slice(), this.#isOwned);
      this.peer.#drained(piece.length);
      this.#schedule();
    });
  }

  #drained(length) {
    this.bufferedAmount -= length;
    if (this.#isFull && this.bufferedAmount < this.#highWater) {
      this.#isFull = false;
      this.#sink?.drain();
    }
  }
}

/** A client's connection and a server's, over memory. */
export async function connected({ server = {}, client = {}, dial = {}, url = 'ws://example.com/chat?room=1', ...options } = {}) {
  const [near, far] = streams(options);
  const upgrader = new Upgrader(server);
  const [clientConn, serverConn] = await Promise.all([new Dialer(client).dialStream(near, url, dial), upgrader.accept(far)]);
  upgrader.free();
  return { client: clientConn, server: serverConn, near, far };
}

/** Runs `use` with a pair of connections, and ends them. */
export async function withPair(options, use) {
  const pair = await connected(options);
  try {
    return await use(pair);
  } finally {
    pair.client.abort();
    pair.server.abort();
  }
}

/** A raw byte stream to talk over by hand, and its other end for a connection. */
export function raw() {
  const [near, far] = streams();
  const chunks = [];
  const waiting = [];
  let hasEnded = false;
  const wake = () => waiting.splice(0).forEach((resolve) => resolve());
  near.start({
    data: (chunk) => {
      chunks.push(chunk);
      wake();
    },
    end: () => {
      hasEnded = true;
      wake();
    },
    drain: () => {},
  });
  return {
    far,
    write: (data) => near.write(typeof data === 'string' ? new TextEncoder().encode(data) : data),
    end: () => near.end(),
    /** All that has come, once `enough` of it has, or the stream has ended. */
    async read(enough) {
      for (;;) {
        const all = concat(...chunks);
        if (hasEnded || enough(all)) return all;
        await new Promise((resolve) => waiting.push(resolve));
      }
    },
    clear: () => chunks.splice(0),
    get hasEnded() {
      return hasEnded;
    },
  };
}
