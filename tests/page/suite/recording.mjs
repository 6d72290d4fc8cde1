import { strict as assert } from 'node:assert';
import { rowsInSight } from '../view.mjs';
import { Recording, TOKEN } from './live.mjs';

const grid = 'sky-list [role=grid]';

/** The page on a recording that has as many blocks as there are in part of it; so low that the rows do not all fit. */
async function record(browser) {
  const recording = new Recording();
  const server = await browser.serve(recording);
  const opened = await browser.openPage({ path: `#live=${TOKEN}`, base: server.url, viewport: { width: 1280, height: 480 } });
  await opened.page.getByText('Waiting for the first frame.').waitFor();
  const rows = () => opened.page.getAttribute(grid, 'aria-rowcount').then((count) => Number(count) - 1);
  const grow = async (part) => {
    const before = await rows();
    recording.grow(recording.ends[Math.floor((recording.ends.length - 1) * part)], part === 1);
    await opened.page.waitForFunction(([grid, before]) => Number(document.querySelector(grid).getAttribute('aria-rowcount')) - 1 > before, [grid, before]);
  };
  return { ...opened, server, grow, rows };
}

/** Waits until the last row is in sight. */
function waitForEnd(page) {
  return page.waitForFunction((grid) => {
    const element = document.querySelector(grid);
    const last = element.querySelector(`[aria-rowindex="${element.getAttribute('aria-rowcount')}"]:not([hidden])`);
    return last && last.getBoundingClientRect().bottom <= element.getBoundingClientRect().bottom + 1;
  }, grid);
}

export const tests = {
  'the list follows a recording until one scrolls up, and again from its end': async (browser) => {
    const { page, close, server, grow } = await record(browser);
    assert.match(await page.textContent('.notice[data-kind=live]'), /^Recording\./);
    await grow(0.4);
    await waitForEnd(page);
    await grow(0.55);
    await waitForEnd(page);
    assert.equal(await page.locator('.follow').isVisible(), false);

    const box = await page.locator(grid).boundingBox();
    await page.mouse.move(box.x + 50, box.y + box.height / 2);
    await page.mouse.wheel(0, -10_000);
    await page.locator('.follow').waitFor();
    await page.waitForFunction(() => document.querySelector('sky-list .layer [aria-rowindex="2"]:not([hidden])'));
    await grow(0.7);
    assert.equal((await rowsInSight(page))[0].index, 2);

    await page.click('.follow');
    await waitForEnd(page);
    assert.equal(await page.locator('.follow').isVisible(), false);
    await grow(1);
    await waitForEnd(page);
    await page.waitForFunction(() => document.querySelector('.notice[data-kind=live]') === null);
    await close();
    server.close();
  },

  'a recording opened with a wrong token says so': async (browser) => {
    const server = await browser.serve(new Recording());
    const { page } = await browser.openPage({ path: '#live=wrong', base: server.url });
    await page.getByText('The recording broke off').first().waitFor({ state: 'attached' });
    assert.equal(await page.locator('.notice').first().isVisible(), true);
    await page.context().close();
    server.close();
  },
};
