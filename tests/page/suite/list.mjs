import { strict as assert } from 'node:assert';
import { activeRow, openSample, press, rowsInSight, waitForFrame } from '../view.mjs';

export const tests = {
  'the list is a grid that tells how many rows there are, and where each one is': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase');
    const grid = page.locator('sky-list [role=grid]');
    const frames = Number(/(\d+) frames/.exec(await page.textContent('.facts'))[1]);
    assert.equal(await grid.getAttribute('aria-rowcount'), String(frames + 1));
    assert.equal(await grid.getAttribute('aria-colcount'), String(await page.locator('sky-list [role=columnheader]').count()));
    const rows = await rowsInSight(page);
    rows.forEach(({ index, label }, place) => {
      assert.equal(index, place + 2);
      assert.match(label, new RegExp(`^frame ${place}, (client to server|server to client), `));
    });
    await close();
  },

  'keys move the selection, and the grid keeps the focus': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase');
    await waitForFrame(page, 0);
    await press(page, 'j', 'ArrowDown', 'j');
    await waitForFrame(page, 3);
    await press(page, 'k');
    await waitForFrame(page, 2);
    await press(page, 'End');
    const last = Number(await page.getAttribute('sky-list [role=grid]', 'aria-rowcount')) - 2;
    await waitForFrame(page, last);
    await press(page, 'j');
    await waitForFrame(page, last);
    await press(page, 'Home', 'k');
    await waitForFrame(page, 0);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'grid');
    await close();
  },

  'Shift with an arrow goes to the next frame of the same direction': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase');
    const before = await waitForFrame(page, 0);
    const direction = /(client to server|server to client)/.exec(before)[0];
    await press(page, 'Shift+ArrowDown');
    await page.waitForFunction(() => !location.hash.includes('frame=0'));
    const after = await activeRow(page);
    assert.ok(after.index > 2);
    assert.ok(after.label.includes(direction), after.label);
    await press(page, 'Shift+ArrowUp');
    await waitForFrame(page, 0);
    await close();
  },

  'n and N go through the findings, and say when there is no further one': async (browser) => {
    const { page, close } = await openSample(browser, 'violations');
    await waitForFrame(page, 0);
    await press(page, 'n');
    assert.match(await waitForFrame(page, 1), /, violation, /);
    await press(page, 'n');
    assert.match(await waitForFrame(page, 2), /, violation, /);
    await press(page, 'N');
    await waitForFrame(page, 1);
    await press(page, 'End', 'n');
    await page.waitForFunction(() => document.querySelector('.toast').textContent === 'No further finding in this direction.');
    await close();
  },

  'p jumps between a Ping and its Pong': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase', { place: { filter: 'op:ping or op:pong' } });
    const ping = await activeRow(page);
    assert.match(ping.label, /, ping, /);
    await press(page, 'p');
    await page.waitForFunction((before) => document.querySelector('sky-list [aria-selected=true]')?.getAttribute('aria-label') !== before, ping.label);
    assert.match((await activeRow(page)).label, /, pong, /);
    await press(page, 'p');
    await page.waitForFunction((before) => document.querySelector('sky-list [aria-selected=true]')?.getAttribute('aria-label') === before, ping.label);
    await close();
  },

  'f folds fragments into their message and keeps the frame': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase');
    const rows = Number(await page.getAttribute('sky-list [role=grid]', 'aria-rowcount'));
    await waitForFrame(page, 0);
    await press(page, 'j', 'j');
    await waitForFrame(page, 2);
    await press(page, 'f');
    await page.waitForFunction((rows) => Number(document.querySelector('sky-list [role=grid]').getAttribute('aria-rowcount')) < rows, rows);
    await waitForFrame(page, 2);
    assert.equal(await page.getAttribute('[data-mode=messages]', 'aria-pressed'), 'true');
    await press(page, 'f');
    await page.waitForFunction((rows) => Number(document.querySelector('sky-list [role=grid]').getAttribute('aria-rowcount')) === rows, rows);
    await waitForFrame(page, 2);
    await close();
  },

  'g asks for a frame, refuses one that is not there, and goes to it': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase');
    await press(page, 'g');
    await page.fill('#goto-frame', '1,000');
    await page.keyboard.press('Enter');
    assert.match(await page.textContent('#goto-range'), /^There is no such frame/);
    await page.fill('#goto-frame', '7');
    await page.keyboard.press('Enter');
    await waitForFrame(page, 7);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'grid');
    await close();
  },

  'c copies the bytes of the frame in several forms': async (browser) => {
    const { page, close } = await openSample(browser, 'violations', { place: { frame: 1 }, permissions: ['clipboard-read', 'clipboard-write'] });
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    const forms = [];
    for (const [index, name] of ['Hex', 'Base64', 'Rust', 'JavaScript'].entries()) {
      await press(page, 'c');
      const item = page.locator('[role=menuitem]').nth(index);
      await item.waitFor();
      assert.equal(await item.textContent(), name);
      await item.click();
      await page.waitForFunction((name) => document.querySelector('.toast').textContent.endsWith(` as ${name}.`), name);
      forms.push(await clipboard());
    }
    // An unmasked text frame of ten bytes: "not masked".
    const bytes = [0x81, 0x0a, ...Buffer.from('not masked')];
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0'));
    assert.equal(forms[0], hex.join(' '));
    assert.equal(forms[1], Buffer.from(bytes).toString('base64'));
    assert.equal(forms[2], `const FRAME: [u8; 12] = [\n  ${hex.map((digits) => `0x${digits}`).join(', ')},\n];`);
    assert.equal(forms[3], `const frame = new Uint8Array([\n  ${hex.map((digits) => `0x${digits}`).join(', ')},\n]);`);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'grid');
    await close();
  },

  'single keys do nothing outside the list': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase');
    await waitForFrame(page, 0);
    await page.focus('.modes button');
    for (const key of ['j', 'n', 'g', 'c', '?', 'f']) await page.keyboard.press(key);
    assert.equal(await page.locator('dialog[open]').count(), 0);
    assert.equal(await page.locator('[role=menu]').count(), 0);
    assert.match((await activeRow(page)).label, /^frame 0,/);
    await close();
  },

  'times can be told in four ways': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase');
    const time = (row) => page.locator(`sky-list [aria-rowindex="${row + 2}"] .time`).textContent();
    await waitForFrame(page, 0);
    await press(page, 'j');
    await waitForFrame(page, 1);
    assert.match(await time(2), /^\d+\.\d{6}$/);
    const [first, second, third] = (await Promise.all([0, 1, 2].map(time))).map(Number);
    await page.selectOption('.times', 'delta');
    await page.waitForFunction(() => document.querySelector('sky-list').dataset.time === 'delta');
    await page.waitForFunction(([row, text]) => document.querySelector(`sky-list [aria-rowindex="${row}"] .time`).textContent === text, [3, (second - first).toFixed(6)]);
    await page.selectOption('.times', 'selected');
    await page.waitForFunction(([row, text]) => document.querySelector(`sky-list [aria-rowindex="${row}"] .time`).textContent === text, [4, `+${(third - second).toFixed(6)}`]);
    await page.selectOption('.times', 'clock');
    await page.waitForFunction(() => /^\d\d:\d\d:\d\d\.\d{6}$/.test(document.querySelector('sky-list [aria-rowindex="3"] .time').textContent));
    await close();
  },
};
