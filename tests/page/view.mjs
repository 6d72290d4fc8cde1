// What tests of the page ask of its list.
import { strict as assert } from 'node:assert';

/** Opens a sample that comes with the page, at a place in it, and waits until all is read and a row is selected. */
export async function openSample(browser, name, { place = {}, ...options } = {}) {
  const hash = new URLSearchParams({ sample: `${name}.pcapng`, ...place });
  const opened = await browser.openPage({ path: `#${hash}`, ...options });
  await opened.page.waitForSelector('sky-list [role=row][aria-selected=true]');
  return opened;
}

/** Opens the page and gives it files of the disk, or `{ name, mimeType, buffer }`. */
export async function openFiles(browser, files, options = {}) {
  const opened = await browser.openPage(options);
  await opened.page.setInputFiles('#picker', files);
  await opened.page.waitForSelector('sky-drop', { state: 'hidden' });
  return opened;
}

/** The row that assistive technology is told to be at, in its words; `null`: none. */
export function activeRow(page) {
  return page.evaluate(() => {
    const id = document.querySelector('sky-list [role=grid]').getAttribute('aria-activedescendant');
    const row = id && document.getElementById(id);
    return row ? { index: Number(row.getAttribute('aria-rowindex')), label: row.getAttribute('aria-label'), selected: row.getAttribute('aria-selected') } : null;
  });
}

/** Waits until the selected row is that of a frame, and returns its words. */
export async function waitForFrame(page, frame) {
  await page.waitForFunction((frame) => {
    const id = document.querySelector('sky-list [role=grid]').getAttribute('aria-activedescendant');
    return id && document.getElementById(id)?.getAttribute('aria-label')?.startsWith(`frame ${frame},`);
  }, frame);
  return (await activeRow(page)).label;
}

/** Presses keys one after the other, in the list. */
export async function press(page, ...keys) {
  await page.focus('sky-list [role=grid]');
  for (const key of keys) await page.keyboard.press(key);
}

/** The rows in sight, from the top: their places in the grid and their words. */
export function rowsInSight(page) {
  return page.evaluate(() => {
    const grid = document.querySelector('sky-list [role=grid]').getBoundingClientRect();
    return [...document.querySelectorAll('sky-list .layer [role=row]:not([hidden])')]
      .map((row) => ({ top: row.getBoundingClientRect().top, index: Number(row.getAttribute('aria-rowindex')), label: row.getAttribute('aria-label') }))
      .filter(({ top }) => top > grid.top && top < grid.bottom)
      .sort((a, b) => a.top - b.top);
  });
}

/** Waits until the filter's field tells this many. */
export async function waitForTotal(page, text) {
  await page.waitForFunction((text) => document.querySelector('sky-filter .total').textContent === text, text);
}

/** Fails unless the elements that the selector finds have these texts. */
export async function assertTexts(page, selector, texts) {
  assert.deepEqual(await page.locator(selector).allTextContents(), texts);
}
