import { strict as assert } from 'node:assert';
import { openSample, press, rowsInSight, waitForFrame, waitForTotal } from '../view.mjs';

const input = 'sky-filter input';

export const tests = {
  'a filter leaves the frames that match, and the count says how many': async (browser) => {
    const { page, close } = await openSample(browser, 'violations');
    await waitForTotal(page, '19 frames');
    await press(page, '/');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'combobox');
    await page.keyboard.type('op:close');
    await page.keyboard.press('Enter');
    await waitForTotal(page, '4 of 19 frames');
    await page.waitForFunction(() => document.querySelectorAll('sky-list .layer [role=row]:not([hidden]):not(#row-pinned)').length === 4);
    for (const { label } of await rowsInSight(page)) assert.match(label, /, close, /);
    assert.equal(await page.textContent('sky-filter [role=status].spoken'), '4 of 19 frames');
    await close();
  },

  'a mistake is marked in its place and leaves the rows as they are': async (browser) => {
    const { page, close } = await openSample(browser, 'violations');
    await page.fill(input, 'op:close colour:red');
    await page.waitForFunction(() => document.querySelector('sky-filter input').getAttribute('aria-invalid') === 'true');
    assert.match(await page.textContent('sky-filter u'), /colour/);
    assert.match(await page.textContent('#filter-problem'), /colour/);
    assert.equal(await page.textContent('.total'), '19 frames');
    assert.equal(await page.getAttribute(input, 'aria-describedby'), 'filter-problem');
    await page.fill(input, 'op:close');
    await waitForTotal(page, '4 of 19 frames');
    assert.equal(await page.getAttribute(input, 'aria-invalid'), null);
    assert.equal(await page.textContent('#filter-problem'), '');
    await close();
  },

  'a mistake right behind a filter that is being applied leaves the list as it was': async (browser) => {
    const { page, close } = await openSample(browser, 'violations');
    await page.focus(input);
    // Both are sent before either is answered.
    await page.evaluate(() => {
      const input = document.querySelector('sky-filter input');
      for (const text of ['op:close', 'op:nothing']) {
        input.value = text;
        input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
      }
    });
    await page.waitForFunction(() => document.querySelector('sky-filter input').getAttribute('aria-invalid') === 'true');
    await waitForTotal(page, '19 frames');
    await page.waitForFunction(() => document.querySelectorAll('sky-list .layer [role=row]:not([hidden]):not([aria-busy])').length === 19);
    await waitForFrame(page, 0);
    await close();
  },

  'what is typed while a filter is applied stays': async (browser) => {
    const { page, close } = await openSample(browser, 'violations');
    await page.focus(input);
    await page.evaluate(() => {
      const input = document.querySelector('sky-filter input');
      input.value = 'op:ping';
      input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
      input.value = 'op:ping or op:close';
      input.dispatchEvent(new InputEvent('input', { bubbles: true }));
    });
    await waitForTotal(page, '6 of 19 frames');
    assert.equal(await page.inputValue(input), 'op:ping or op:close');
    await close();
  },

  'completions are offered while one types, and taken with the keyboard': async (browser) => {
    const { page, close } = await openSample(browser, 'violations');
    await page.focus(input);
    await page.keyboard.type('op:clo');
    await page.waitForFunction(() => document.querySelector('sky-filter [role=option] code')?.textContent === 'close');
    assert.equal(await page.getAttribute(input, 'aria-expanded'), 'true');
    await page.keyboard.press('ArrowDown');
    const option = await page.getAttribute(input, 'aria-activedescendant');
    assert.equal(await page.getAttribute(`#${option}`, 'aria-selected'), 'true');
    await page.keyboard.press('Enter');
    assert.match(await page.inputValue(input), /^op:close\s?$/);
    await waitForTotal(page, '4 of 19 frames');
    await close();
  },

  'an empty field offers examples, and what was used before': async (browser) => {
    const { page, close } = await openSample(browser, 'violations');
    await page.click(input);
    await page.click('sky-filter [role=option]:has-text("severity:violation")');
    await page.waitForFunction(() => / of 19 frames$/.test(document.querySelector('sky-filter .total').textContent));
    await page.fill(input, 'op:text dir:c2s');
    await page.keyboard.press('Enter');
    await page.click('sky-filter .clear');
    await waitForTotal(page, '19 frames');
    const options = await page.locator('sky-filter [role=option] code').allTextContents();
    assert.equal(options[0], 'op:text dir:c2s');
    assert.ok(options.includes('op:close'));
    await close();
  },

  'every example is a filter': async (browser) => {
    const { page, close } = await openSample(browser, 'showcase');
    await page.click(input);
    const examples = await page.locator('sky-filter [role=option] code').allTextContents();
    assert.ok(examples.length >= 5);
    for (const example of examples) {
      await page.fill(input, example);
      await page.keyboard.press('Enter');
      await page.waitForFunction((filter) => new URLSearchParams(location.hash.slice(1)).get('filter') === filter, example);
      assert.equal(await page.textContent('#filter-problem'), '', example);
    }
    await close();
  },

  'Escape closes the suggestions, then clears the filter, then goes back to the list': async (browser) => {
    const { page, close } = await openSample(browser, 'violations');
    await page.focus(input);
    await page.keyboard.type('op:close ');
    await waitForTotal(page, '4 of 19 frames');
    await page.waitForFunction(() => document.querySelector('sky-filter input').getAttribute('aria-expanded') === 'true');
    await page.keyboard.press('Escape');
    assert.equal(await page.getAttribute(input, 'aria-expanded'), 'false');
    assert.equal(await page.inputValue(input), 'op:close ');
    await page.keyboard.press('Escape');
    await waitForTotal(page, '19 frames');
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'grid');
    await close();
  },

  'the selected frame stays selected through filters': async (browser) => {
    const { page, close } = await openSample(browser, 'violations', { place: { frame: 15 } });
    await waitForFrame(page, 15);
    await page.fill(input, 'op:close');
    await waitForTotal(page, '4 of 19 frames');
    await waitForFrame(page, 15);
    await page.fill(input, 'op:ping');
    await waitForTotal(page, '2 of 19 frames');
    await page.fill(input, '');
    await waitForTotal(page, '19 frames');
    await waitForFrame(page, 15);
    await close();
  },

  'dragging over the overview puts a time range into the filter': async (browser) => {
    const { page, close } = await openSample(browser, 'violations');
    const box = await page.locator('sky-overview canvas').boundingBox();
    const at = (part) => box.x + 60 + (box.width - 60) * part;
    await page.mouse.move(at(0.25), box.y + 30);
    await page.mouse.down();
    await page.mouse.move(at(0.4), box.y + 30);
    await page.mouse.move(at(0.5), box.y + 30);
    await page.mouse.up();
    await page.waitForFunction(() => /^t>0\.\d+s t<0\.\d+s$/.test(document.querySelector('sky-filter input').value));
    await page.waitForFunction(() => /^\d of 19 frames$/.test(document.querySelector('sky-filter .total').textContent));
    await page.click('sky-overview .clear');
    await waitForTotal(page, '19 frames');
    assert.equal(await page.inputValue(input), '');
    await close();
  },

  'the time range can be set from the keyboard, beside other terms': async (browser) => {
    const { page, close } = await openSample(browser, 'violations', { place: { filter: 'op:text or op:close' } });
    const from = page.locator('sky-overview .thumb.from');
    assert.equal(await from.getAttribute('role'), 'slider');
    await from.focus();
    await page.keyboard.press('PageUp');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => /^\(op:text or op:close\) t>0\.\d+s$/.test(document.querySelector('sky-filter input').value));
    const [, seconds] = /t>(0\.\d+)s/.exec(await page.inputValue(input));
    assert.ok(Math.abs(Number(await from.getAttribute('aria-valuenow')) - Number(seconds)) < 0.001);
    await page.keyboard.press('Home');
    await page.waitForFunction(() => !document.querySelector('sky-filter input').value.includes('t>'));
    await close();
  },
};
