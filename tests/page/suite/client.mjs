import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { folder, makeFrames, scratch, serve } from '../harness.mjs';

const files = scratch();
const bytes = (value) => Buffer.from(Object.values(value)).toString('latin1');
const sample = (name) => join(folder, `samples/${name}.pcapng`);

export const tests = {
  'client answers with the rows of a compressed chat': async (browser) => {
    const { page, sample, ask, close } = await browser.openClient();
    await sample('showcase');
    const { start, duration, ...progress } = await page.evaluate(() => client.progress);
    assert.deepEqual(progress, {
      name: 'showcase', bytes: 4572, total: 4572, format: 'pcapng', frames: 26, connections: 1, findings: 0, rows: 26, done: true,
      problems: [], live: false, behind: 0,
    });
    assert.equal(new Date(start).toISOString(), '2026-11-23T09:00:00.001Z');
    assert.equal(Math.round(duration * 1e3), 5815);

    const rows = await ask('rows', 0, 100);
    assert.equal(rows.length, 26);
    const { time, delta, ...first } = rows[0];
    assert.deepEqual(first, {
      row: 0, number: 0, connection: 0, direction: 'c2s', opcode: 1, name: 'text', fin: true, rsv1: true, rsv2: false, rsv3: false,
      masked: true, compressed: true, onRecord: 'wire', fragment: 'whole', wire: 46, payload: 40, inflated: 44,
      preview: '{"type":"join","room":"salmon","name":"Ada"}', severity: null,
    });
    assert.equal(delta, NaN);
    assert.deepEqual(rows.slice(16, 21).map(({ name, fragment, fin }) => [name, fragment, fin]), [
      ['text', 'first', false],
      ['continuation', 'middle', false],
      ['ping', 'whole', true],
      ['pong', 'whole', true],
      ['continuation', 'last', true],
    ]);
    assert.deepEqual(await ask('rows', 24, 10), rows.slice(24));
    assert.equal(rows[25].delta.toFixed(9), (rows[25].time - rows[24].time).toFixed(9));
    await close();
  },

  'client opens a frame with its header, its bytes and where they come from': async (browser) => {
    const { sample, ask, close } = await browser.openClient();
    await sample('showcase');
    const frame = await ask('frame', 24);
    assert.deepEqual(frame.header, { length: 6, lengthForm: 7, maskingKey: '11a25bfa' });
    assert.equal(bytes(frame.unmasked.data), '\x03\xe8see you');
    assert.equal(frame.wire.total, 15);
    assert.equal(bytes(frame.wire.data).slice(0, 6), '\x88\x89\x11\xa2\x5b\xfa');
    assert.deepEqual(frame.close, { code: 1000, codeName: 'normal closure', reason: 'see you' });
    assert.deepEqual([frame.row.number, frame.row.row, frame.message, frame.findings], [24, 24, 24, []]);
    assert.equal(frame.pieces.length, 1);
    const [{ origin, fileOffset, length, offset }] = frame.pieces;
    assert.deepEqual([origin, offset, length], ['file', 0, 15]);
    const file = readFileSync(join(folder, 'samples/showcase.pcapng'), 'latin1');
    assert.equal(file.slice(fileOffset, fileOffset + 15), bytes(frame.wire.data));
    await close();
  },

  'client joins, inflates and decodes a message in fragments': async (browser) => {
    const { sample, ask, close } = await browser.openClient();
    await sample('showcase');
    for (const number of [16, 17, 20]) {
      const message = await ask('message', number);
      assert.deepEqual(message.frames, [16, 17, 20]);
      assert.equal(message.complete, true);
      assert.equal(message.joined.total, 46);
      assert.equal(message.inflateError, null);
      const { type, lines } = JSON.parse(bytes(message.inflated.data));
      assert.deepEqual([type, lines.length], ['history', 6]);
      assert.equal(message.decoded.decoder, 'JSON');
      assert.equal(message.decoded.nodes.find(({ label }) => label === 'room').value, 'salmon');
    }
    await close();
  },

  'client takes a compressed message apart, with what it repeats of earlier ones': async (browser) => {
    const { sample, ask, close } = await browser.openClient();
    await sample('showcase');
    const plain = await ask('message', 21);
    assert.deepEqual([plain.inflated, plain.blocks, plain.tokens, plain.historyLength], [null, [], [], 0]);
    const message = await ask('message', 12);
    // What the server said before, inflated.
    assert.equal(message.historyLength, 92 + 135 + 136 + 144 + 130);
    assert.deepEqual(message.blocks.map(({ kind, last, bits: [start] }) => [kind, last, start]).slice(0, 1), [['fixed', false, 0]]);
    let at = 0;
    for (const { inflated: [start, end], distance } of message.tokens) {
      assert.equal(start, at);
      assert.ok(end > start && distance <= message.historyLength + start);
      at = end;
    }
    assert.equal(at, 109);
    assert.ok(message.tokens.some(({ distance, inflated }) => distance > inflated[0]));
    await close();
  },

  'client tells every violation of the connection that has sixteen kinds': async (browser) => {
    const { sample, ask, close } = await browser.openClient();
    await sample('violations');
    const rules = await ask('ruleCounts');
    const found = Object.fromEntries(rules.map(({ rule, count }) => [rule, count]));
    assert.deepEqual(found, {
      'handshake-accept': 1,
      'frame-mask-missing': 1,
      'frame-mask-unexpected': 1,
      'frame-reserved-bits': 1,
      'frame-reserved-opcode': 2,
      'frame-length-not-minimal': 2,
      'frame-continuation-unexpected': 1,
      'frame-continuation-expected': 1,
      'control-too-long': 1,
      'control-fragmented': 1,
      'close-truncated': 1,
      'close-then-data': 3,
      'close-code-reserved': 1,
      'text-invalid-utf8': 1,
      'close-not-echoed': 1,
      'close-tcp-by-client': 1,
    });
    const opcodes = await ask('findings', 'frame-reserved-opcode', 0, 10);
    assert.deepEqual(opcodes.map(({ frame, detail, place, rfc, section }) => [frame, detail, place, rfc, section]), [
      [4, 'opcode 0x3', 'frame', 6455, '5.2'],
      [5, 'opcode 0xB', 'frame', 6455, '5.2'],
    ]);
    assert.equal((await ask('findings', null, 0, 100)).length, 20);
    const [connection] = await ask('connections');
    assert.deepEqual([connection.findings, connection.worst], [20, 'violation']);
    assert.equal(await ask('find', 'finding', 0, 1), 1);
    assert.equal(await ask('find', 'finding', 1, -1), null);
    await close();
  },

  'client tells of a connection how it began and how it ended': async (browser) => {
    const { sample, ask, close } = await browser.openClient();
    await sample('showcase');
    const connection = await ask('connection', 0);
    assert.equal(connection.target, '/chat?room=salmon');
    assert.equal(connection.subprotocol, 'chat.v2');
    assert.match(connection.request, /^GET \/chat\?room=salmon HTTP\/1\.1\r\n/);
    assert.ok(connection.checks.length > 10 && connection.checks.every(({ passed }) => passed));
    assert.deepEqual(connection.roundTrips.map(({ ping, pong, ms }) => [ping, pong, Math.floor(ms)]), [[5, 6, 22], [9, 10, 24], [14, 15, 26], [18, 19, 19]]);
    assert.equal(connection.rtt.count, 4);
    assert.deepEqual(connection.closing.map(({ direction, what, code }) => [direction, what, code]), [
      ['c2s', 'close', 1000],
      ['s2c', 'close', 1000],
      ['s2c', 'fin', null],
      ['c2s', 'fin', null],
    ]);
    assert.equal(connection.traffic[0].frames + connection.traffic[1].frames, 26);
    assert.ok(connection.saved > 0);
    assert.equal(await ask('find', 'pong', 5, 1), 6);
    assert.equal(await ask('find', 'pong', 6, 1), 5);
    await close();
  },

  'view has the rows of its filter and mode, and an error leaves it as it is': async (browser) => {
    const { sample, ask, close } = await browser.openClient();
    await sample('showcase');
    assert.deepEqual(await ask('setView', { filter: 'op:ping', mode: 'frames' }), { count: 4, error: null });
    assert.deepEqual((await ask('rows', 0, 10)).map(({ row, number }) => [row, number]), [[0, 5], [1, 9], [2, 14], [3, 18]]);
    assert.equal(await ask('rowOf', 13), 1);
    assert.equal(await ask('rowOf', 0), 0);
    const wrong = await ask('setView', { filter: 'dir:c2s op:nonsense', mode: 'frames' });
    assert.equal(wrong.count, 4);
    assert.ok(wrong.error.message.length > 0);
    assert.deepEqual([wrong.error.start, wrong.error.end], [11, 19]);
    assert.deepEqual(await ask('setView', { filter: '', mode: 'control' }), { count: 10, error: null });
    assert.deepEqual(await ask('setView', { filter: '', mode: 'messages' }), { count: 24, error: null });
    assert.deepEqual(await ask('setView', { filter: 'text:"jumping over the falls"', mode: 'frames' }), { count: 2, error: null });
    assert.deepEqual((await ask('rows', 0, 10)).map(({ number }) => number), [4, 16]);
    const completions = await ask('completions', 'op:pi', 5);
    assert.ok(completions.some(({ text }) => text.includes('ping')));
    assert.ok((await ask('filterHelp')).some(({ name }) => name === 'op'));
    await close();
  },

  'histogram counts every byte and every frame once': async (browser) => {
    const { page, sample, ask, close } = await browser.openClient();
    await sample('violations');
    const { duration } = await page.evaluate(() => client.progress);
    const { buckets, up, down, controlUp, controlDown, findings } = await ask('histogram', 0, duration, 7);
    const sum = (numbers) => Object.values(numbers).reduce((all, one) => all + one, 0);
    assert.deepEqual([buckets, Object.values(up).length], [7, 7]);
    const rows = await ask('rows', 0, 100);
    const wire = (direction) => rows.filter((row) => row.direction === direction).reduce((all, row) => all + row.wire, 0);
    assert.deepEqual([sum(up), sum(down)], [wire('c2s'), wire('s2c')]);
    assert.deepEqual([sum(controlUp), sum(controlDown)], [4, 3]);
    assert.equal(sum(findings), rows.filter(({ severity }) => severity === 'violation').length);
    await close();
  },

  'files are told apart: gzip is inflated, a key log alone is none': async (browser) => {
    const { page, open, close } = await browser.openClient();
    const zipped = join(files, 'showcase.pcapng.gz');
    writeFileSync(zipped, gzipSync(readFileSync(sample('showcase'))));
    const keys = join(files, 'keys.txt');
    writeFileSync(keys, `CLIENT_RANDOM ${'0'.repeat(64)} ${'0'.repeat(96)}\n`);
    await assert.rejects(open(keys), /This is a key log: open it together with its capture\./);
    await open(zipped, keys);
    const frames = await page.evaluate(() => client.progress.frames);
    assert.equal(frames, 26);
    await assert.rejects(open(sample('showcase'), sample('mqtt'), sample('loss')), /are 3 captures/);
    const cut = join(files, 'cut.pcapng.gz');
    writeFileSync(cut, gzipSync(readFileSync(sample('showcase'))).subarray(0, -9));
    await open(cut);
    const { problems } = await page.evaluate(() => client.progress);
    assert.match(problems[0], /^cut\.pcapng\.gz could not be decompressed to its end/);
    await close();
  },

  'a large capture shows its first rows while it is read, and another one opened meanwhile takes its place': async (browser) => {
    const { page, ask, close } = await browser.openClient();
    const large = makeFrames(400_000, join(files, 'large.pcap'));
    await page.setInputFiles('input', [large]);
    const early = await page.evaluate(async () => {
      const rows = new Promise((resolve) => {
        client.addEventListener('progress', ({ detail }) => {
          if (detail.frames > 0) resolve(client.rows(0, 1).then(([row]) => ({ ...row, done: detail.done })));
        });
      });
      globalThis.opening = client.open([...document.querySelector('input').files]);
      return rows;
    });
    assert.deepEqual([early.done, early.number, early.wire], [false, 0, 97]);
    await page.evaluate(async () => {
      await client.openUrl('/samples/mqtt.pcapng', 'mqtt');
      await opening;
    });
    assert.equal((await page.evaluate(() => client.progress)).name, 'mqtt');
    assert.equal((await ask('connections'))[0].subprotocol, 'mqtt');
    await page.evaluate(() => client.open([...document.querySelector('input').files]));
    const progress = await page.evaluate(() => client.progress);
    assert.deepEqual([progress.frames, progress.findings, progress.done], [400_000, 0, true]);
    assert.equal((await ask('frame', 399_999)).unmasked.total, 91);
    await close();
  },

  'exports have what is open, or what the view shows': async (browser) => {
    const { page, sample, ask, close } = await browser.openClient();
    await sample('showcase');
    const exported = (kind, view) => page.evaluate(async ([kind, view]) => {
      const blob = await client.export(kind, view);
      return { type: blob.type, text: new TextDecoder('latin1').decode(await blob.arrayBuffer()) };
    }, [kind, view]);
    const lines = (await exported('jsonl', false)).text.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ frame }) => frame), [...Array(26).keys()]);
    await ask('setView', { filter: 'op:close', mode: 'frames' });
    const csv = await exported('csv', true);
    assert.equal(csv.type, 'text/csv');
    assert.equal(csv.text.trim().split('\n').length, 3);
    const har = JSON.parse((await exported('har', false)).text);
    assert.equal(har.log.entries.length, 1);
    assert.equal(JSON.parse((await exported('sarif', false)).text).version, '2.1.0');
    assert.match((await exported('hex', true)).text, /^#/);
    // pcapng: opened again, it is the same connection.
    await page.evaluate(async () => {
      const blob = await client.export('pcapng', false);
      await client.open([new File([blob], 'again.pcapng')]);
    });
    await ask('setView', { filter: '', mode: 'frames' });
    assert.equal((await page.evaluate(() => client.progress)).frames, 26);
    await close();
  },

  'worker is bound by the policy of the page: it reaches no other server': async (browser) => {
    const elsewhere = await serve(folder, {
      more: (_, response) => response.writeHead(200, { 'access-control-allow-origin': '*' }).end() && true,
    });
    const { page, close } = await browser.openClient();
    const [worker] = page.workers();
    assert.match(worker.url(), /^blob:/);
    const directive = await worker.evaluate((url) => new Promise((resolve) => {
      addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
      fetch(url).then(() => resolve('reached'), () => {});
    }), elsewhere.url);
    assert.equal(directive, 'connect-src');
    elsewhere.close();
    await close();
  },
};
