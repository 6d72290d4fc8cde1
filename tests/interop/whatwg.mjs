// The cases for clients with the API of the WHATWG's standard: browsers, undici, ws. Each throws when something is not exactly as it
// should be. `peer` is { WebSocket, url, deflate }; the server answers by path as `server.rs` says.

const encoder = new TextEncoder();

/** A connection whose messages and end are waited for. */
export class Client {
  constructor(peer, path, protocols = []) {
    this.socket = new peer.WebSocket(peer.url + path, protocols);
    this.socket.binaryType = 'arraybuffer';
    this.waiting = [];
    this.came = [];
    this.socket.onmessage = ({ data }) => {
      const first = this.waiting.shift();
      if (first) first(data);
      else this.came.push(data);
    };
    this.closed = new Promise((resolve) => {
      this.socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.onopen = resolve;
      this.socket.onerror = (event) => reject(event.error ?? new Error(event.message ?? `no connection to ${path}`));
    });
    this.opened.catch(() => {});
  }

  static async open(peer, path, protocols) {
    const client = new Client(peer, path, protocols);
    await client.opened;
    const extensions = peer.deflate ? /^permessage-deflate/ : /^$/;
    check(extensions.test(client.socket.extensions), `extensions are "${client.socket.extensions}"`);
    return client;
  }

  send(data) {
    this.socket.send(data);
  }

  /** The next message; an error when the connection ends first. */
  next() {
    if (this.came.length > 0) return Promise.resolve(this.came.shift());
    const end = this.closed.then((closed) => {
      throw new Error(`closed instead of a message: ${JSON.stringify(closed)}`);
    });
    return Promise.race([new Promise((resolve) => this.waiting.push(resolve)), end]);
  }

  async close(code, reason) {
    this.socket.close(code, reason);
    return this.closed;
  }
}

export function check(condition, problem) {
  if (!condition) throw new Error(problem);
}

export function equal(found, expected, what) {
  const [a, b] = [found, expected].map((value) => JSON.stringify(value));
  check(a === b, `${what}: ${a} instead of ${b}`);
}

/** Text of this length in bytes, with characters of one to four. */
export function text(length) {
  const piece = 'Grüße, 世界! 😀 ';
  const size = encoder.encode(piece).length;
  const whole = Math.floor(length / size);
  return piece.repeat(whole) + 'x'.repeat(length - whole * size);
}

/** Bytes that do not compress well, always the same. */
export function binary(length) {
  const bytes = new Uint8Array(length);
  let state = length + 1;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

/** `text LENGTH SHA-256` or `binary …`, as the other end tells what it received. */
export async function digest(data) {
  const bytes = typeof data === 'string' ? encoder.encode(data) : data;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${typeof data === 'string' ? 'text' : 'binary'} ${bytes.length} ${hex}`;
}

/** Whether both are the same text or the same bytes. */
export function same(a, b) {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  const [x, y] = [a, b].map((bytes) => new Uint8Array(bytes));
  return x.length === y.length && x.every((byte, at) => byte === y[at]);
}

/** Sends each payload as text and as bytes; it comes back as it was, and the other end says that it received just this. */
async function exchange(peer, sizes, paths = ['/echo', '/digest']) {
  for (const path of paths) {
    const client = await Client.open(peer, path);
    for (const payload of sizes.flatMap((size) => [text(size), binary(size)])) {
      client.send(payload);
      const answer = await client.next();
      if (path === '/digest') equal(answer, await digest(payload), 'what the server received');
      else check(same(answer, payload), `${payload.length} do not come back as they were sent`);
    }
    equal(await client.close(1000, 'done'), { code: 1000, reason: '', wasClean: true }, path);
  }
}

const SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20];
const LARGE = [16 << 20];
export const CODES = [
  [undefined, undefined, 1005],
  [1000, '', 1000],
  [1000, 'done', 1000],
  [3000, 'three', 3000],
  [4999, 'Ende ✓ 😀', 4999],
];

let ids = 0;
/** A name for a connection that the server is asked about later. */
const newId = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}-${ids++}`;

/** How the connection of this name ended for the server. It waits for that. */
export async function ended(peer, id) {
  const client = await Client.open(peer, `/ended?id=${id}`);
  const answer = JSON.parse(await client.next());
  await client.close();
  return answer;
}

export const groups = {
  sizes: (peer) => exchange(peer, SIZES),

  echo: (peer) => exchange(peer, SIZES, ['/']),

  large: (peer) => exchange(peer, LARGE),

  /** Many small messages on their way at once. */
  async order(peer) {
    const client = await Client.open(peer, '/echo');
    const messages = Array.from({ length: 5000 }, (_, at) => (at % 3 === 0 ? binary(at % 200) : `message ${at} ${text(at % 97)}`));
    for (const message of messages) client.send(message);
    for (const [at, message] of messages.entries()) {
      check(same(await client.next(), message), `message ${at} is not in its place`);
    }
    await client.close(1000);
  },

  /** Messages that come in many frames, with Pings in between. */
  async fragments(peer) {
    const client = await Client.open(peer, '/fragments');
    for (const payload of [1, 999, 1000, 1001, 65536].flatMap((size) => [text(size), binary(size)])) {
      client.send(payload);
      check(same(await client.next(), payload), `${payload.length} do not come back from fragments`);
    }
    await client.close(1000);
  },

  /** The server sends Pings, and gets Pongs with the same payload. */
  async pings(peer) {
    const client = await Client.open(peer, '/ping');
    for (const payload of ['a', 'are you there?', 'p'.repeat(125)]) {
      client.send(payload);
      equal(await client.next(), `pong ${payload}`, 'the Pong');
    }
    await client.close(1000);
  },

  /** Both ends see the code and the reason that the client gave. */
  async client_closes(peer) {
    for (const [code, reason, seen] of CODES) {
      const id = newId();
      const client = await Client.open(peer, `/echo?id=${id}`);
      // The server sends the code back, without the reason.
      const expected = { code: seen, reason: '', wasClean: true };
      equal(await (code === undefined ? client.close() : client.close(code, reason)), expected, 'the client');
      const end = await ended(peer, id);
      equal([end.code, end.reason, end.clean, end.initiator], [seen, reason ?? '', true, 'peer'], 'the server');
    }
  },

  /** As `client_closes`, but only as the client sees it. */
  async client_closes_unasked(peer) {
    for (const [code, reason, seen] of CODES) {
      const client = await Client.open(peer, '/');
      // The server sends the code back, without the reason.
      const expected = { code: seen, reason: '', wasClean: true };
      equal(await (code === undefined ? client.close() : client.close(code, reason)), expected, 'the client');
    }
  },

  /** Both ends see the code and the reason that the server gave. */
  async server_closes(peer) {
    const codes = [[1001, 'moving'], [1011, ''], [1012, 'restart'], ...CODES.slice(1)];
    for (const [code, reason] of codes) {
      const id = newId();
      const client = await Client.open(peer, `/close?id=${id}`);
      client.send(JSON.stringify({ code, reason }));
      equal(await client.closed, { code, reason, wasClean: true }, 'the client');
      const end = await ended(peer, id);
      equal([end.code, end.clean, end.initiator], [code, true, 'us'], 'the server');
    }
  },

  /** The first subprotocol that the server likes is agreed on, and none where it likes none. */
  async subprotocols(peer) {
    for (const [offer, agreed] of [[['chat.v1', 'chat.v2'], 'chat.v2'], [['chat.v3', 'chat.v1'], 'chat.v3'], [[], '']]) {
      const client = await Client.open(peer, '/agreed', offer);
      equal(client.socket.protocol, agreed, 'for the client');
      client.send('what is it?');
      equal(JSON.parse(await client.next()).subprotocol, agreed, 'for the server');
      await client.close(1000);
    }
  },

  /** A server that does not let one in is an error, and no clean close. */
  async refusal(peer) {
    const client = new Client(peer, '/refused');
    await client.opened.then(
      () => Promise.reject(new Error('let in')),
      () => {},
    );
    const { code, wasClean } = await client.closed;
    equal([code, wasClean], [1006, false], 'the client');
  },

  /** A client that is busy does not lose what comes, and one that leaves things unread does not stop the next. */
  async burst(peer) {
    const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(peer, '/echo')));
    const payload = text(20_000);
    for (const client of clients) for (let i = 0; i < 20; i++) client.send(payload);
    for (const client of clients) {
      for (let i = 0; i < 20; i++) check((await client.next()) === payload, 'a message is not as it was sent');
    }
    const ends = await Promise.all(clients.map((client) => client.close(1000)));
    check(ends.every(({ code, wasClean }) => code === 1000 && wasClean), 'not every connection closed in order');
  },
};

/** Runs a group of cases: those of `more`, or else the common ones. */
export async function run(name, peer, more = {}) {
  const group = more[name] ?? groups[name];
  check(group !== undefined, `there is no group ${name}`);
  await group(peer);
}
