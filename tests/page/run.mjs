// Runs the tests of `suite`, or those of it whose file is named, and prints a line for each: `ok` or `not ok`, and its name.
import { readdir } from 'node:fs/promises';
import { Browser } from './harness.mjs';

const LIMIT = 120_000;
const wanted = process.argv.slice(2);
const suite = new URL('suite/', import.meta.url);
const files = (await readdir(suite)).filter((file) => file.endsWith('.mjs')).sort();
const browser = await Browser.start();
let failed = 0;
for (const file of files.filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))) {
  const { tests } = await import(new URL(file, suite));
  for (const [name, test] of Object.entries(tests)) {
    let timer;
    const tooLong = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('it took too long')), LIMIT);
    });
    try {
      await Promise.race([test(browser), tooLong]);
      console.log(`ok ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`not ok ${name}: ${error?.stack ?? error}`.replaceAll('\n', '\n  '));
    } finally {
      clearTimeout(timer);
    }
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
