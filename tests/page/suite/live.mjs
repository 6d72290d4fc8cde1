import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder } from '../harness.mjs';

/** What the recording is asked for with. */
export const TOKEN = '0123456789abcdef';

/** A recording as `sockeye proxy` serves it: the protocol is in `www/src/worker/live.ts`. */
export class Recording {
  #bytes = readFileSync(join(folder, 'samples/showcase.pcapng'));
  #told = 0;
  #sockets = [];
  /** The ranges that were asked for. */
  ranges = [];
  /** Ends of whole blocks. */
  ends = [];

  constructor() {
    for (let at = 0; at < this.#bytes.length;) {
      at += this.#bytes.readUInt32LE(at + 4);
      this.ends.push(at);
    }
  }

  more = (request, response, path) => {
    if (path !== '/capture.pcapng') {
      return false;
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')?.map(Number) ?? [];
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      response.writeHead(401).end();
    } else if (!(first <= last && last < this.#told && last - first < 8 << 20)) {
      response.writeHead(416).end();
    } else {
      this.ranges.push([first, last]);
      response.writeHead(206, { 'content-range': `bytes ${first}-${last}/*` }).end(this.#bytes.subarray(first, last + 1));
    }
    return true;
  };

  upgrade = (request, socket) => {
    const offered = request.headers['sec-websocket-protocol']?.split(/, */) ?? [];
    if (request.url !== '/live' || !offered.includes('sockeye-live') || !offered.includes(TOKEN)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
      return;
    }
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: sockeye-live\r\n\r\n`);
    socket.on('error', () => {});
    this.#sockets.push(socket);
    this.#say(socket, false);
  };

  /** Tells that so many bytes are there. */
  grow(size, done = false) {
    this.#told = size;
    this.#sockets.forEach((socket) => this.#say(socket, done));
  }

  /** Is gone, without a word. */
  break() {
    this.#sockets.forEach((socket) => socket.destroy());
  }

  get size() {
    return this.#bytes.length;
  }

  #say(socket, done) {
    const text = JSON.stringify({ size: this.#told, packets: 0, done });
    socket.write(Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]));
    if (done) {
      socket.end(Buffer.from([0x88, 2, 0x03, 0xe8]));
    }
  }
}

async function follow(browser) {
  const recording = new Recording();
  const server = await browser.serve(recording);
  const opened = await browser.openClient({ base: server.url });
  await opened.page.evaluate((token) => {
    globalThis.opening = client.openLive('/', token).then(() => 'ended', (error) => error.message);
  }, TOKEN);
  const until = (condition, ...parameters) => opened.page.waitForFunction(condition, ...parameters);
  return { recording, server, until, ...opened };
}

export const tests = {
  'recording is shown while it grows, and its frames can be opened': async (browser) => {
    const { recording, server, until, page, ask, close } = await follow(browser);
    const middle = recording.ends[recording.ends.length >> 1];
    recording.grow(middle);
    await until((bytes) => client.progress?.bytes === bytes, middle);
    const early = await page.evaluate(() => client.progress);
    assert.deepEqual([early.live, early.done, early.behind, early.format], [true, false, 0, 'pcapng']);
    assert.ok(early.frames > 0 && early.frames < 26);
    assert.equal((await ask('frame', 0)).unmasked.total, 40);
    recording.grow(recording.size, true);
    assert.equal(await page.evaluate(() => opening), 'ended');
    const { live, done, frames, bytes, problems } = await page.evaluate(() => client.progress);
    assert.deepEqual({ live, done, frames, bytes, problems }, { live: false, done: true, frames: 26, bytes: recording.size, problems: [] });
    assert.deepEqual((await ask('frame', 25)).close.reason, 'see you');
    assert.deepEqual(recording.ranges.slice(0, 1), [[0, middle - 1]]);
    server.close();
    await close();
  },

  'recording whose server goes away ends with what there is, and says so': async (browser) => {
    const { recording, server, until, page, close } = await follow(browser);
    const middle = recording.ends[recording.ends.length >> 1];
    recording.grow(middle);
    await until((bytes) => client.progress?.bytes === bytes, middle);
    recording.break();
    assert.equal(await page.evaluate(() => opening), 'ended');
    const { done, problems } = await page.evaluate(() => client.progress);
    assert.equal(done, true);
    assert.match(problems[0], /^The recording broke off/);
    server.close();
    await close();
  },

  'recording is not shown to who has not its token': async (browser) => {
    const { server, page } = await follow(browser);
    await page.evaluate(() => client.openLive('/', 'wrong'));
    const { done, frames, problems } = await page.evaluate(() => client.progress);
    assert.deepEqual([done, frames], [true, 0]);
    assert.match(problems[0], /^The recording broke off/);
    server.close();
    await page.context().close();
  },
};
