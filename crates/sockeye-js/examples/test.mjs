// Starts each example with the command of its README, and checks with the package `ws` that it does what it says.
// `node crates/sockeye-js/examples/test.mjs [EXAMPLE…]`, after `cargo xtask js`. Prints a line for each test.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Program, within } from '../../../tests/runtimes/lib/process.mjs';
import { Report } from '../../../tests/runtimes/lib/report.mjs';
import { find, load, root } from '../../../tests/runtimes/lib/tools.mjs';

const { WebSocket } = load('ws');
const here = fileURLToPath(new URL('.', import.meta.url));
/** Seconds that an example may take to listen: the first time, npm fetches esbuild and workerd. */
const START = 240;
/** Seconds that anything else may take. */
const SOON = 15;

/** A client whose messages are asked for one by one. */
class Client {
  #messages = [];
  #waiting = [];

  constructor(url, protocols = [], options = {}) {
    this.socket = new WebSocket(url, protocols, { handshakeTimeout: SOON * 1000, ...options });
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', () => resolve(this));
      this.socket.on('unexpected-response', (request, response) => {
        request.destroy();
        reject(new Error(`status ${response.statusCode}`));
      });
      this.socket.on('error', reject);
    });
    this.closed = new Promise((resolve) => this.socket.on('close', (code) => resolve(code)));
    this.socket.on('message', (data, isBinary) => {
      const message = isBinary ? new Uint8Array(data) : String(data);
      const waiter = this.#waiting.shift();
      if (waiter) waiter(message);
      else this.#messages.push(message);
    });
  }

  static async open(...args) {
    return within(SOON, 'the connection', new Client(...args).opened);
  }

  /** The next message. */
  async next() {
    if (this.#messages.length > 0) return this.#messages.shift();
    return within(SOON, 'a message', new Promise((resolve) => this.#waiting.push(resolve)));
  }

  async ask(message) {
    this.socket.send(message);
    return this.next();
  }

  async close(code) {
    this.socket.close(code);
    return within(SOON, 'the end of the connection', this.closed);
  }
}

const refusal = (...args) => Client.open(...args).then(() => 'let in', (error) => error.message);

const examples = {
  async node({ test, http, ws }) {
    await test('sends text and bytes back', async () => {
      const client = await Client.open(`${ws}/echo`);
      assert.equal(client.socket.extensions, 'permessage-deflate');
      assert.equal(await client.ask('hello'), 'hello');
      const bytes = new Uint8Array(100_000).map((_, i) => i);
      assert.deepEqual(await client.ask(bytes), bytes);
      assert.equal(await client.close(4001), 4001);
    });
    await test('sends what one says to everybody', async () => {
      const plain = await Client.open(`${ws}/broadcast`, [], { perMessageDeflate: false });
      const [a, b] = [await Client.open(`${ws}/broadcast`), await Client.open(`${ws}/broadcast`)];
      const texts = Array.from({ length: 50 }, (_, i) => `message ${i} ${'x'.repeat(i * 10)}`);
      for (const text of texts) a.socket.send(text);
      for (const member of [plain, a, b]) for (const text of texts) assert.equal(await member.next(), text);
      await a.close();
      assert.equal(await b.ask('still here'), 'still here');
      assert.equal(await plain.next(), 'still here');
      await b.close();
      await plain.close();
    });
    await test('refuses other paths, and what is no WebSocket', async () => {
      assert.equal(await refusal(`${ws}/elsewhere`), 'status 404');
      assert.equal((await fetch(`${http}/echo`)).status, 426);
    });
  },

  async deno({ test, http, ws }) {
    await test('negotiates permessage-deflate, and compresses', async () => {
      const client = await Client.open(ws);
      assert.match(await client.next(), /^extensions: permessage-deflate/);
      assert.equal(client.socket.extensions, 'permessage-deflate');
      const before = client.socket._socket.bytesRead;
      const text = 'the same again, '.repeat(4096);
      assert.equal(await client.ask(text), text);
      const took = client.socket._socket.bytesRead - before;
      assert.ok(took > 0 && took < text.length / 50, `${text.length} characters came as ${took} bytes`);
      assert.equal(await client.close(1000), 1000);
    });
    await test('serves clients that do not compress', async () => {
      const client = await Client.open(ws, [], { perMessageDeflate: false });
      assert.equal(await client.next(), 'extensions: none');
      assert.deepEqual(await client.ask(new Uint8Array([1, 2, 3])), new Uint8Array([1, 2, 3]));
      await client.close();
    });
    await test('refuses what is no WebSocket', async () => assert.equal((await fetch(http)).status, 426));
  },

  async worker({ test, http, ws, program }) {
    const question = 'what did you see?';
    await test('dials the backend with headers of its own', async () => {
      const client = await Client.open(ws);
      const { headers } = JSON.parse(await client.ask(question));
      assert.match(headers.authorization, /^Bearer [0-9a-f-]{36}$/);
      assert.equal(headers['x-forwarded-host'], new URL(http).host);
      await client.close();
      await closed(1005);
    });
    await test('sends Pings to a backend that is silent', async () => {
      const client = await Client.open(ws);
      let pings = 0;
      for (let i = 0; i < 5 && pings === 0; i++) {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        ({ pings } = JSON.parse(await client.ask(question)));
      }
      assert.ok(pings > 0);
      await client.close();
      await closed(1005);
    });
    await test('passes messages both ways in order, and the close code', async () => {
      const client = await Client.open(ws);
      const sent = Array.from({ length: 200 }, (_, i) => (i % 2 ? new Uint8Array(i * 50).fill(i) : `message ${i}`));
      for (const message of sent) client.socket.send(message);
      for (const message of sent) assert.deepEqual(await client.next(), message);
      assert.equal(await client.close(4321), 4321);
      await closed(4321);
    });
    await test('refuses what is no WebSocket', async () => assert.equal((await fetch(http)).status, 426));

    async function closed(code) {
      assert.equal(await program.line(SOON), `backend: closed with ${code}`);
    }
  },

  async 'durable-object'({ test, http, ws, report }) {
    const enter = (room, name) => Client.open(`${ws}/${room}?name=${name}`);
    const event = async (client) => JSON.parse(await client.next());
    await test('shows members each other, what they say, and that they leave', async () => {
      const ada = await enter('kitchen', 'Ada');
      assert.deepEqual(await event(ada), { type: 'joined', name: 'Ada', members: ['Ada'] });
      const bob = await enter('kitchen', 'Bob');
      for (const member of [ada, bob]) assert.deepEqual(await event(member), { type: 'joined', name: 'Bob', members: ['Ada', 'Bob'] });
      ada.socket.send('tea?');
      for (const member of [ada, bob]) assert.deepEqual(await event(member), { type: 'said', name: 'Ada', text: 'tea?' });
      bob.socket.send('yes');
      for (const member of [ada, bob]) assert.deepEqual(await event(member), { type: 'said', name: 'Bob', text: 'yes' });
      await bob.close(1000);
      assert.deepEqual(await event(ada), { type: 'left', name: 'Bob', members: ['Ada'] });
      const rude = await enter('kitchen', 'Eve');
      await event(ada);
      rude.socket.terminate();
      assert.deepEqual(await event(ada), { type: 'left', name: 'Eve', members: ['Ada'] });
      await ada.close();
    });
    await test('keeps rooms apart', async () => {
      const [ada, bob] = [await enter('garden', 'Ada'), await enter('cellar', 'Ada')];
      await event(ada);
      assert.deepEqual(await event(bob), { type: 'joined', name: 'Ada', members: ['Ada'] });
      ada.socket.send('anybody?');
      assert.equal((await event(ada)).text, 'anybody?');
      bob.socket.send('hello?');
      assert.equal((await event(bob)).text, 'hello?');
      await ada.close();
      await bob.close();
    });
    await test('refuses pages of other sites, names that are taken, and other versions', async () => {
      const ada = await enter('hall', 'Ada');
      assert.equal(await refusal(`${ws}/hall?name=Ada`), 'status 409');
      assert.equal(await refusal(`${ws}/hall`), 'status 400');
      assert.equal(await refusal(`${ws}/hall?name=Eve`, [], { origin: 'https://evil.example' }), 'status 403');
      assert.equal(await refusal(`${ws}/hall?name=Old`, [], { protocolVersion: 8 }), 'status 426');
      const page = await Client.open(`${ws}/hall?name=Page`, [], { origin: http });
      await page.close();
      await ada.close();
    });
    await test('serves its page', async () => {
      const response = await fetch(`${http}/kitchen`);
      assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
      assert.match(await response.text(), /new WebSocket\(url\)/);
    });
    const chromium = find('chromium');
    if (chromium === null) return report.skip('its page: Chromium is not installed');
    await test('has a page that is used with the keyboard', async () => {
      const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking'];
      const rules = '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1';
      const browser = await load('playwright-core').chromium.launch({ executablePath: chromium, args: [...args, rules], timeout: SOON * 1000 });
      try {
        const [ada, bob] = [await browser.newPage(), await browser.newPage()];
        for (const [page, name] of [[ada, 'Ada'], [bob, 'Bob']]) {
          page.setDefaultTimeout(SOON * 1000);
          await page.goto(`${http}/attic`);
          // Keys go to what has the focus, and a page in the background has none.
          await page.bringToFront();
          await page.waitForFunction(() => document.hasFocus() && document.activeElement?.localName === 'input');
          await page.keyboard.type(`${name}\n`);
          await page.waitForSelector('#say:not([hidden])');
        }
        await bob.waitForFunction(() => document.activeElement?.id === 'say' || document.activeElement?.closest('#say'));
        await bob.keyboard.type('<b>tea?</b>\n');
        await ada.waitForSelector('#said li:nth-child(3)');
        assert.equal(await ada.locator('#said').innerText(), 'Ada joined\nBob joined\nBob: <b>tea?</b>');
        assert.equal(await ada.locator('#members').textContent(), 'Ada, Bob');
        await bob.close();
        await ada.waitForSelector('#said li:nth-child(4)');
        assert.equal(await ada.locator('#members').textContent(), 'Ada');
      } finally {
        await browser.close();
      }
    });
  },
};

async function run(name, report) {
  const [, line] = /^ {4}(.+)$/m.exec(readFileSync(join(here, name, 'README.md'), 'utf8'));
  const [command, ...args] = line.split(' ');
  const deno = find('deno');
  if (command === 'deno' && deno === null) return report.skip('deno is not installed');
  const path = [process.env.PATH, ...(deno ? [dirname(deno)] : [])].join(delimiter);
  const program = new Program(command, args, { cwd: root, env: { PORT: '0', PATH: path } });
  try {
    let http = null;
    while (http === null) {
      const said = await program.line(START);
      if (said === null) throw new Error(`it ended: ${program.errors}`);
      http = /^listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1] ?? null;
    }
    assert.match(await program.line(SOON), /^try: /);
    report.ok('starts with the command of its README');
    const test = async (title, check) => {
      try {
        await check();
        report.ok(title);
      } catch (error) {
        report.notOk(title, `${error.message}; it wrote: ${program.errors}`);
      }
    };
    await examples[name]({ test, http, ws: http.replace('http', 'ws'), program, report });
  } catch (error) {
    report.notOk('starts with the command of its README', error);
  } finally {
    program.kill();
  }
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in examples));
if (unknown.length > 0) {
  console.error(`there is no example ${unknown.join(', ')}; there are ${Object.keys(examples).join(', ')}`);
  process.exit(2);
}
const report = new Report();
for (const name of wanted.length > 0 ? wanted : Object.keys(examples)) await run(name, report.of(name));
console.log(`${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped`);
process.exit(report.failed > 0 ? 1 : 0);
