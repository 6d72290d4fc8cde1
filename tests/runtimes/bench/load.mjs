// The load generator: a closed loop over connections whose frames were made beforehand. Of the answers it looks at the headers.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { inflateRawSync } from 'node:zlib';

import { closeFrame } from './frames.mjs';

/** What all connections read into: nobody keeps it. */
const buffer = Buffer.allocUnsafe(262_144);
const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n';

/** A connection that was opened by hand. */
export class Client {
  /** Called with the buffer and how much of it was read. */
  onread = () => {};
  /** What the server agreed to. */
  extensions = '';
  /** What it reads into, as all connections do. */
  buffer = buffer;
  #socket;

  /** Opens one. */
  static async open(port, { windowBits = 0, localAddress } = {}) {
    const client = new Client();
    const opened = new Promise((resolve, reject) => {
      let head = '';
      client.onread = (length) => {
        head += buffer.latin1Slice(0, length);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!head.startsWith('HTTP/1.1 101') || end + 4 !== head.length) reject(new Error(`refused: ${head}`));
        client.extensions = /^sec-websocket-extensions: *(.*)$/im.exec(head)?.[1].trim() ?? '';
        resolve();
      };
      client.#socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true, onread: { buffer, callback: (length) => (client.onread(length), true) } });
      client.#socket.on('error', reject);
      client.#socket.on('close', () => reject(new Error('the server closed the connection')));
    });
    const key = randomBytes(16).toString('base64');
    client.#socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n${windowBits ? OFFER : ''}\r\n`);
    await opened;
    return client;
  }

  send(bytes) {
    this.#socket.write(bytes);
  }

  /** Closes in order, and waits for the server to end the byte stream. */
  async close() {
    this.onread = () => {};
    const ended = once(this.#socket, 'close');
    this.#socket.end(closeFrame);
    await ended;
  }
}

/** The connections of a scenario. */
export class Load {
  /** Messages answered. */
  messages = 0;
  #clients = [];
  #scenario;
  #isStopping = false;
  #stopped = [];

  /**
   * @param {number} port
   * @param {import('./scenarios.mjs').Scenario} scenario
   * @param {Buffer[]} bursts
   */
  static async start(port, scenario, bursts) {
    const load = new Load();
    load.#scenario = scenario;
    load.#clients = await Promise.all(Array.from({ length: scenario.connections }, () => Client.open(port, scenario)));
    load.#clients.forEach((client, index) => load.#run(client, index, bursts));
    return load;
  }

  /** Lets what is under way be answered, and closes the connections. */
  async stop() {
    this.#isStopping = true;
    await Promise.all(this.#stopped);
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #run(client, index, bursts) {
    const { inFlight } = this.#scenario;
    let next = index % bursts.length;
    let outstanding = inFlight;
    let stop;
    this.#stopped.push(new Promise((resolve) => (stop = resolve)));
    const counter = new Counter();
    client.onread = (length) => {
      const answered = counter.count(buffer, length);
      this.messages += answered;
      outstanding -= answered;
      if (outstanding > 0) return;
      if (this.#isStopping) {
        stop();
        return;
      }
      next = (next + 1) % bursts.length;
      outstanding = inFlight;
      client.send(bursts[next]);
    };
    client.send(bursts[next]);
  }
}

/** Counts the frames of a byte stream, each of which must be a whole message. */
export class Counter {
  #skip = 0;
  #header = Buffer.alloc(10);
  #have = 0;

  /** How many frames end within these bytes. */
  count(bytes, length) {
    let frames = 0;
    for (let at = 0; at < length; ) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, length - at);
        at += step;
        this.#skip -= step;
        if (this.#skip === 0) frames += 1;
        continue;
      }
      this.#header[this.#have] = bytes[at];
      this.#have += 1;
      at += 1;
      if (this.#have < 2) continue;
      const short = this.#header[1];
      const needed = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.#have < needed) continue;
      this.#have = 0;
      this.#skip = short < 126 ? short : short === 126 ? this.#header.readUInt16BE(2) : Number(this.#header.readBigUInt64BE(2));
      const first = this.#header[0] & 0xbf;
      if ((first !== 0x81 && first !== 0x82) || this.#skip === 0) throw new Error(`an answer begins with ${this.#header.toString('hex', 0, needed)}`);
    }
    return frames;
  }
}

/** Sees that a server returns what it was sent: the first burst, byte by byte. Returns the extensions it agreed to. */
export async function verify(port, scenario, { payloads, bursts }) {
  const client = await Client.open(port, scenario);
  const chunks = [];
  let received = 0;
  const counter = new Counter();
  await new Promise((resolve) => {
    client.onread = (length) => {
      chunks.push(Buffer.from(buffer.subarray(0, length)));
      received += counter.count(buffer, length);
      if (received === payloads.length) resolve();
    };
    client.send(bursts[0]);
  });
  await client.close();
  let bytes = Buffer.concat(chunks);
  for (const payload of payloads) {
    const header = bytes[1] < 126 ? 2 : bytes[1] === 126 ? 4 : 10;
    const end = header + (header === 2 ? bytes[1] : header === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)));
    let answer = bytes.subarray(header, end);
    if (scenario.windowBits) {
      if ((bytes[0] & 0x40) === 0) throw new Error('an answer is not compressed');
      answer = inflateRawSync(Buffer.concat([answer, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: 2 });
    }
    if (!answer.equals(payload)) throw new Error('an answer is not what was sent');
    bytes = bytes.subarray(end);
  }
  return client.extensions;
}
