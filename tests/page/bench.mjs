// Measures the page with a capture of 1,000,000 one-frame packets (167 MB), in Chromium: `bench.mjs [FRAMES]`.
import { statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Browser, makeFrames, scratch } from './harness.mjs';

const ROUNDS = 5;
const frames = Number(process.argv[2] ?? 1_000_000);
const file = makeFrames(frames, join(scratch(), 'frames.pcap'));
const bytes = statSync(file).size;
const browser = await Browser.start();
console.log(`${frames.toLocaleString('en')} frames in ${(bytes / 1e6).toFixed(0)} MB, ${cpus().length} cores of ${cpus()[0]?.model}, median of ${ROUNDS} (least to most)`);

const results = new Map();
for (let round = 0; round < ROUNDS; round++) {
  const opened = await browser.openClient();
  await opened.page.setInputFiles('input', file);
  for (const [what, value] of Object.entries(await opened.page.evaluate(measureClient, frames))) {
    results.set(what, [...(results.get(what) ?? []), value]);
  }
  await opened.close();
}
for (let round = 0; round < ROUNDS; round++) {
  const opened = await browser.openPage();
  await opened.page.locator('#picker').waitFor({ state: 'attached' });
  await opened.page.evaluate(watchPage);
  await opened.page.setInputFiles('#picker', file);
  for (const [what, value] of Object.entries(await opened.page.evaluate(measurePage, frames))) {
    results.set(what, [...(results.get(what) ?? []), value]);
  }
  await opened.close();
}
for (const [what, values] of results) {
  values.sort((a, b) => a - b);
  const show = (value) => value.toFixed(value < 10 ? 1 : 0);
  console.log(`${what.padEnd(52)} ${show(values[values.length >> 1]).padStart(7)} (${show(values[0])} to ${show(values.at(-1))})`);
}
await browser.close();
process.exit(0);

/** Times of the client API, in milliseconds; within the page. */
async function measureClient(frames) {
  const times = {};
  const time = async (what, work) => {
    const start = performance.now();
    await work();
    times[`${what}, ms`] = performance.now() - start;
  };
  const file = document.querySelector('input').files[0];
  const start = performance.now();
  let first;
  client.addEventListener('progress', () => {
    // As a list does: it asks for rows as soon as there are some.
    first ??= client.rows(0, 100).then((rows) => {
      times['first 100 rows, ms'] = performance.now() - start;
      if (rows.length !== 100) {
        throw new Error(`${rows.length} rows`);
      }
    });
  });
  await client.open([file]);
  times['indexed and checked, ms'] = performance.now() - start;
  times['indexed and checked, MB/s'] = file.size / 1e3 / times['indexed and checked, ms'];
  await first;
  if (client.progress.frames !== frames) {
    throw new Error(`${client.progress.frames} frames`);
  }
  const middle = frames >> 1;
  await time('100 rows anywhere', () => client.rows(middle, 100));
  await time('open a frame', () => client.frame(middle + 1));
  await time('open a message and decode it', () => client.message(middle + 1));
  await time('filter by header (op:ping)', () => client.setView({ filter: 'op:ping', mode: 'frames' }));
  await time('filter by text of the payload', () => client.setView({ filter: 'text:"no such text"', mode: 'frames' }));
  await time('messages instead of frames', () => client.setView({ filter: '', mode: 'messages' }));
  await time('traffic over time, 1,000 buckets', () => client.histogram(0, client.progress.duration, 1_000));
  return times;
}

/** Notes when the first rows are in the list; within the page, before a file is chosen. */
function watchPage() {
  const watch = { start: 0, rows: 0 };
  globalThis.watch = watch;
  document.querySelector('#picker').addEventListener('change', () => (watch.start = performance.now()), { capture: true });
  new MutationObserver(() => {
    if (watch.rows === 0 && document.querySelectorAll('sky-list [role=row][aria-rowindex]').length > 5) {
      requestAnimationFrame(() => (watch.rows ||= performance.now()));
    }
  }).observe(document.body, { childList: true, subtree: true, attributes: true });
}

/** Times of the whole page, in milliseconds; within the page, after a file was chosen. */
async function measurePage() {
  const until = async (condition) => {
    for (let waited = 0; !condition(); waited += 1) {
      if (waited > 3_000) {
        throw new Error(`waited in vain: ${condition}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await until(() => watch.rows);
  const times = { 'page: from choosing to the first rows painted, ms': watch.rows - watch.start };
  const grid = document.querySelector('sky-list [role=grid]') ?? document.querySelector('[role=grid]');
  await until(() => Number(grid.getAttribute('aria-rowcount')) >= 1_000_000);
  grid.focus();
  const frames = [];
  for (let step = 0; step < 120; step += 1) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const start = performance.now();
    grid.dispatchEvent(new WheelEvent('wheel', { deltaY: 400 * (1 + (step % 7)), bubbles: true, cancelable: true }));
    grid.getBoundingClientRect();
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    frames.push(performance.now() - start);
  }
  frames.sort((a, b) => a - b);
  times['page: a frame while scrolling, median, ms'] = frames[frames.length >> 1];
  times['page: a frame while scrolling, 95 of 100 below, ms'] = frames[Math.floor(frames.length * 0.95)];
  return times;
}
