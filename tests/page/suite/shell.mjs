import { strict as assert } from 'node:assert';
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder } from '../harness.mjs';
import { openFiles, openSample, waitForFrame } from '../view.mjs';

const sample = (name) => readFileSync(join(folder, 'samples', `${name}.pcapng`));

export const tests = {
  'the first screen says what it is, that all stays here, and has samples that open with one click': async (browser) => {
    const { page, close } = await browser.openPage();
    assert.equal(await page.textContent('h1:visible'), 'See and check every WebSocket frame');
    await page.getByText('It stays in this tab.').waitFor();
    assert.equal(await page.locator('.steps > li').count(), 3);
    const samples = JSON.parse(readFileSync(join(folder, 'samples/index.json'), 'utf8'));
    await page.waitForFunction((count) => document.querySelectorAll('.samples button').length === count, samples.length);
    await page.click('.samples button');
    await page.waitForSelector('sky-list [role=row][aria-selected=true]');
    assert.equal(await page.textContent('.name'), samples[0].name);
    assert.equal(await page.title(), `${samples[0].name} · Sockeye`);
    await close();
  },

  'every sample opens without a complaint': async (browser) => {
    for (const { file, name } of JSON.parse(readFileSync(join(folder, 'samples/index.json'), 'utf8'))) {
      const { page, close } = await browser.openPage({ path: `#sample=${file}` });
      await page.waitForFunction((name) => document.querySelector('.name')?.textContent === name, name);
      await page.waitForFunction(() => document.querySelectorAll('.facts span').length > 3 && !document.querySelector('.facts').textContent.includes('read'));
      await close();
    }
  },

  'a file is opened by dropping it anywhere': async (browser) => {
    const { page, close } = await browser.openPage();
    await page.waitForSelector('.samples button');
    const transfer = await page.evaluateHandle((base64) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))], 'dropped.pcapng'));
      return transfer;
    }, sample('violations').toString('base64'));
    await page.dispatchEvent('.intro', 'dragenter', { dataTransfer: transfer });
    await page.waitForSelector('.veil', { state: 'visible' });
    await page.dispatchEvent('.intro', 'dragover', { dataTransfer: transfer });
    await page.dispatchEvent('.intro', 'drop', { dataTransfer: transfer });
    await waitForFrame(page, 0);
    assert.equal(await page.textContent('.name'), 'dropped.pcapng');
    assert.equal(await page.locator('.veil').isVisible(), false);
    await close();
  },

  'a gzip file is opened as what is in it': async (browser) => {
    const { page, close } = await openFiles(browser, { name: 'chat.pcapng.gz', mimeType: 'application/gzip', buffer: gzipSync(sample('showcase')) });
    await waitForFrame(page, 0);
    await close();
  },

  'opening another file takes the place of what was open, its filter too': async (browser) => {
    const { page, close } = await openSample(browser, 'violations', { place: { filter: 'op:close', frame: 15 } });
    await waitForFrame(page, 15);
    await page.setInputFiles('#picker', { name: 'chat.pcapng', mimeType: '', buffer: sample('showcase') });
    await page.waitForFunction(() => document.querySelector('.name').textContent === 'chat.pcapng');
    await waitForFrame(page, 0);
    assert.equal(await page.inputValue('sky-filter input'), '');
    await page.waitForFunction(() => location.hash === '#frame=0');
    await close();
  },

  'the address holds the view, and brings it back': async (browser) => {
    const first = await openSample(browser, 'violations', { place: { filter: 'op:close', mode: 'control', pane: 'findings', frame: 16 } });
    await waitForFrame(first.page, 16);
    const expect = { sample: 'violations.pcapng', frame: '16', filter: 'op:close', mode: 'control', pane: 'findings' };
    await first.page.waitForFunction((size) => new URLSearchParams(location.hash.slice(1)).size === size, 5);
    const hash = new URL(first.page.url()).hash;
    assert.deepEqual(Object.fromEntries(new URLSearchParams(hash.slice(1))), expect);
    assert.equal(await first.page.getAttribute('#tab-findings', 'aria-selected'), 'true');
    await first.close();
    const second = await browser.openPage({ path: hash });
    await waitForFrame(second.page, 16);
    assert.equal(await second.page.inputValue('sky-filter input'), 'op:close');
    await second.close();
  },

  'the first screen comes back, and forgets what was open': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase');
    await page.click('.brand');
    await page.waitForSelector('sky-drop', { state: 'visible' });
    await page.waitForFunction(() => location.hash === '');
    assert.equal(await page.locator('.work').isVisible(), false);
    assert.equal(await page.locator('.name').isVisible(), false);
    await close();
  },

  'a file that is no capture is answered with a sentence': async (browser) => {
    const { page, close } = await browser.openPage();
    await page.waitForSelector('.samples button');
    await page.setInputFiles('#picker', { name: 'picture.png', mimeType: 'image/png', buffer: Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex') });
    const said = page.locator('.open-files .problem:visible, .notice:visible');
    await said.first().waitFor();
    assert.match(await said.first().textContent(), /\w+ \w+ \w+/);
    await close();
  },

  'colours follow the system, or are chosen and remembered': async (browser) => {
    const { page, close } = await browser.openPage({ colorScheme: 'dark' });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await background();
    await page.click('[data-theme=light]');
    assert.equal(await page.getAttribute('button[data-theme=light]', 'aria-pressed'), 'true');
    const light = await background();
    assert.notEqual(light, dark);
    await page.reload();
    assert.equal(await background(), light);
    await page.click('button[data-theme=auto]');
    assert.equal(await background(), dark);
    await close();
  },

  'the panes are resized with the keyboard, and laid out anew': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase');
    const width = () => page.evaluate(() => document.querySelector('#list-pane').getBoundingClientRect().width);
    const before = await width();
    await page.focus('.splitter');
    assert.equal(await page.getAttribute('.splitter', 'role'), 'separator');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    assert.equal(await page.getAttribute('.splitter', 'aria-valuenow'), '51');
    assert.ok((await width()) < before - 20);
    await page.keyboard.press('Enter');
    assert.ok(Math.abs((await width()) - before) < 1);
    await page.click('.layout');
    assert.equal(await page.getAttribute('.splitter', 'aria-orientation'), 'horizontal');
    assert.ok((await width()) > 1_200);
    await close();
  },

  'tabs are changed with the arrow keys': async (browser) => {
    const { page, close } = await openSample(browser, 'violations');
    await page.focus('#tab-frame');
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'tab-connection');
    assert.equal(await page.locator('#panel-connection').isVisible(), true);
    assert.equal(await page.locator('#panel-frame').isVisible(), false);
    await page.keyboard.press('End');
    assert.equal(await page.getAttribute('#tab-findings', 'aria-selected'), 'true');
    assert.match(await page.textContent('#tab-findings'), /^Findings \d+$/);
    await close();
  },

  'nothing of a capture is kept in the browser': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase');
    await page.fill('sky-filter input', 'text:"secret"');
    await page.keyboard.press('Enter');
    await page.click('.layout');
    await page.click('button[data-theme=dark]');
    const kept = await page.evaluate(async () => ({
      local: Object.keys(localStorage).sort(), session: Object.keys(sessionStorage), cookie: document.cookie, caches: await caches.keys(), databases: (await indexedDB.databases()).length,
    }));
    assert.deepEqual(kept, { local: ['sockeye-layout', 'sockeye-theme'], session: [], cookie: '', caches: [], databases: 0 });
    await close();
  },
};
