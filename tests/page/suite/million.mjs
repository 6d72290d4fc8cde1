import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { makeFrames, scratch } from '../harness.mjs';
import { activeRow, openFiles, press, rowsInSight, waitForFrame } from '../view.mjs';

const FRAMES = 1_000_000;
/** Firefox and Chromium at two device pixels per pixel show nothing below some 17 million pixels. */
const MOST_PIXELS = 8_100_000;
const ROW = 24;

let file;

async function openMillion(browser) {
  file ??= makeFrames(FRAMES, join(scratch(), 'million.pcap'));
  const opened = await openFiles(browser, file);
  await opened.page.waitForFunction((rows) => document.querySelector('sky-list [role=grid]').getAttribute('aria-rowcount') === String(rows), FRAMES + 1);
  return opened;
}

const grid = 'sky-list [role=grid]';

export const tests = {
  'a million rows take the elements of those in sight, and a height that every browser has': async (browser) => {
    const { page, close } = await openMillion(browser);
    assert.ok((await page.locator('sky-list [role=row]').count()) < 60);
    assert.ok((await page.evaluate((grid) => document.querySelector(grid).scrollHeight, grid)) < MOST_PIXELS);
    await press(page, 'End');
    await waitForFrame(page, FRAMES - 1);
    assert.equal((await rowsInSight(page)).at(-1).index, FRAMES + 1);
    await press(page, 'Home');
    await waitForFrame(page, 0);
    assert.equal((await rowsInSight(page))[0].index, 2);
    await close();
  },

  'the wheel moves a million rows by exactly as many pixels as it says': async (browser) => {
    const { page, close } = await openMillion(browser);
    await page.evaluate((grid) => (document.querySelector(grid).scrollTop = 4_000_000), grid);
    await page.waitForFunction(() => Number(document.querySelector('sky-list .layer [role=row]:not(#row-pinned)').getAttribute('aria-rowindex')) > 400_000);
    const before = (await rowsInSight(page))[0];
    const box = await page.locator(grid).boundingBox();
    await page.mouse.move(box.x + 100, box.y + 200);
    await page.mouse.wheel(0, 3 * ROW);
    await page.waitForFunction((index) => document.querySelector(`sky-list .layer [aria-rowindex="${index + 2}"]:not([hidden])`) === null, before.index);
    const after = (await rowsInSight(page))[0];
    assert.equal(after.index, before.index + 3);
    assert.ok(Math.abs(after.top - before.top) < 1);
    await close();
  },

  'the scroll bar reaches every part, and rows come where there were none': async (browser) => {
    const { page, close } = await openMillion(browser);
    for (const part of [0.9, 0.1, 0.5]) {
      await page.evaluate(([grid, part]) => {
        const element = document.querySelector(grid);
        element.scrollTop = (element.scrollHeight - element.clientHeight) * part;
      }, [grid, part]);
      await page.waitForFunction((part) => {
        const rows = [...document.querySelectorAll('sky-list .layer [role=row]:not([hidden]):not(#row-pinned)')];
        return rows.every((row) => !row.hasAttribute('aria-busy') && Math.abs(Number(row.getAttribute('aria-rowindex')) / 1_000_000 - part) < 0.001);
      }, part);
    }
    await close();
  },

  'the selected row keeps its place for assistive technology when it is scrolled out of sight': async (browser) => {
    const { page, close } = await openMillion(browser);
    await press(page, 'Home', 'j', 'j', 'j');
    await waitForFrame(page, 3);
    await page.evaluate((grid) => (document.querySelector(grid).scrollTop = 4_000_000), grid);
    await page.waitForFunction(() => document.querySelector('sky-list [role=grid]').getAttribute('aria-activedescendant') === 'row-pinned');
    const active = await activeRow(page);
    assert.equal(active.index, 5);
    assert.equal(active.selected, 'true');
    assert.match(active.label, /^frame 3,/);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'grid');
    await press(page, 'j');
    await waitForFrame(page, 4);
    assert.ok((await rowsInSight(page)).some(({ index }) => index === 6));
    await close();
  },

  'a frame of the address is found among a million, in the middle': async (browser) => {
    const { page, close } = await openMillion(browser);
    await page.evaluate(() => (location.hash = 'frame=777777'));
    await waitForFrame(page, 777_777);
    const rows = await rowsInSight(page);
    const place = rows.findIndex(({ index }) => index === 777_779);
    assert.ok(place > rows.length / 3 && place < (2 * rows.length) / 3, `row ${place} of ${rows.length}`);
    await close();
  },

  'a million frames are filtered by type': async (browser) => {
    const { page, close } = await openMillion(browser);
    await page.fill('sky-filter input', 'op:ping');
    await page.waitForFunction(() => document.querySelector('sky-filter .total').textContent === '5,000 of 1,000,000 frames');
    await page.waitForFunction(() => document.querySelectorAll('sky-list .layer .control-frame:not([hidden])').length > 10);
    assert.match((await rowsInSight(page))[0].label, /^frame 198, .*, ping, /);
    await close();
  },
};
