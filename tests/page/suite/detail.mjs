import { strict as assert } from 'node:assert';
import { open, violationsOf } from '../panes.mjs';

/** The fields of the frame as they are read out: name, bits, value, meaning. */
const fields = (page) => page.locator('.bits [role=option] .spoken').allTextContents();
/** The digits of the bits that are drawn one by one, from the first. */
const digits = async (page) => (await page.locator('.bits-digits').allTextContents()).join('');
const marked = (page) => page.locator('.hex-byte.marked').evaluateAll((cells) => cells.map((cell) => Number(cell.dataset.at)));
const markedFields = (page) =>
  page.locator('.bits [role=option].marked').evaluateAll((cells) => cells.map((cell) => cell.dataset.field));
const tab = (page, name) => page.locator(`[data-tab=${name}][role=tab]`);
const hexText = (page) => page.locator('.hex-byte:not([hidden])').evaluateAll((cells) => cells.map((cell) => cell.textContent).filter(Boolean).join(' '));

export const tests = {
  'bit grid has every field of a masked frame': async (browser) => {
    const { page, close } = await open(browser, 'violations', { frame: 0 });
    const key = (await hexText(page)).slice(6, 17);
    assert.deepEqual(await fields(page), [
      'FIN, 1 bit: 1, final',
      'RSV1, 1 bit: 0',
      'RSV2, 1 bit: 0',
      'RSV3, 1 bit: 0',
      'opcode, 4 bits: 0x1, text',
      'MASK, 1 bit: 1, masked',
      'Payload len, 7 bits: 25, bytes',
      `Masking-key, 32 bits: ${key}`,
      'Payload data, 200 bits: 25 bytes',
    ]);
    assert.equal(await digits(page), '1000000110011001');
    const key4 = await page.locator('[data-field=masking-key] .bits-hex').allTextContents();
    assert.equal(key4.join(' '), key);
    const chars = await page.locator('[data-field=payload] .bits-char').allTextContents();
    assert.equal(chars.slice(0, 6).join(''), 'a␣mess');
    await close();
  },

  'bit grid has lengths of 16 and of 64 bits in full': async (browser) => {
    const { page, close, select } = await open(browser, 'violations', { frame: 8 });
    assert.ok((await fields(page)).includes('Extended payload length, 16 bits: 5, bytes'));
    assert.deepEqual(await page.locator('[data-field=extended-length] .bits-hex').allTextContents(), ['00', '05']);
    await select(9);
    const shown = await fields(page);
    assert.ok(shown.includes('Payload len, 7 bits: 127, 64 bits follow'));
    assert.ok(shown.includes('Extended payload length, 64 bits: 5, bytes'));
    assert.equal((await page.locator('[data-field=extended-length] .bits-hex').allTextContents()).join(''), '0000000000000005');
    assert.equal(await digits(page), '1000000101111111');
    await close();
  },

  'bit grid has reserved bits, reserved opcodes and Close codes': async (browser) => {
    const { page, close, select } = await open(browser, 'violations', { frame: 3 });
    assert.ok((await fields(page)).includes('RSV2, 1 bit: 1'));
    await select(5);
    assert.ok((await fields(page)).includes('opcode, 4 bits: 0xb, reserved-b'));
    await select(14);
    assert.ok((await fields(page)).includes('Payload data, 8 bits: 1 byte'));
    await select(16);
    assert.deepEqual((await fields(page)).slice(-2), ['Close code, 16 bits: 1012, service restart', 'Close reason, 120 bits: service restart, 15 bytes']);
    await close();
  },

  'pointing at a field marks its bytes': async (browser) => {
    const { page, close } = await open(browser, 'violations', { frame: 0 });
    await page.hover('[role=option][data-field=masking-key]');
    assert.deepEqual(await marked(page), [2, 3, 4, 5]);
    await page.hover('[role=option][data-field=opcode]');
    assert.deepEqual(await marked(page), [0]);
    assert.deepEqual(await markedFields(page), ['opcode']);
    assert.match(await page.locator('.bits-explanation').textContent(), /^opcode 0x1 text – Begins a message of text in UTF-8.*RFC 6455 §5\.6$/u);
    assert.equal(await page.locator('.bits-explanation a').getAttribute('href'), 'https://www.rfc-editor.org/rfc/rfc6455#section-5.6');
    await page.hover('.detail-title');
    assert.deepEqual(await marked(page), []);
    await close();
  },

  'pointing at a byte marks its field, here and in the grid of the payload': async (browser) => {
    const { page, close } = await open(browser, 'violations', { frame: 0 });
    await page.hover('.hex-byte[data-at="3"]');
    assert.deepEqual(await markedFields(page), ['masking-key']);
    await page.hover('.hex-byte[data-at="7"]');
    assert.deepEqual(await page.locator('.marked-byte').evaluateAll((cells) => cells.map((cell) => cell.dataset.byte)), ['7']);
    assert.match(await page.locator('.byte-line').textContent(), /^byte 7: 0x.*⊕ [0-9a-f]{2} = 20 ' '$/u);
    await close();
  },

  'fields are reached with the arrow keys, and stay marked': async (browser) => {
    const { page, close } = await open(browser, 'violations', { frame: 0 });
    await page.focus('.bits [role=option][tabindex="0"]');
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    assert.equal(await page.evaluate(() => document.activeElement.dataset.field), 'masking-key');
    assert.deepEqual(await marked(page), [2, 3, 4, 5]);
    assert.equal(await page.locator('.bits [role=option][tabindex="0"]').count(), 1);
    await close();
  },

  'a mark follows from tab to tab': async (browser) => {
    const { page, close } = await open(browser, 'violations', { frame: 0 });
    await page.click('.hex-byte[data-at="8"]');
    await tab(page, 'unmasked').click();
    assert.deepEqual(await marked(page), [2]);
    assert.equal(await page.locator('.hex-byte.marked').textContent(), '6d');
    await close();
  },

  'tabs are chosen with the arrow keys': async (browser) => {
    const { page, close } = await open(browser, 'violations', { frame: 0 });
    await tab(page, 'wire').focus();
    const names = [];
    for (let step = 0; step < 6; step += 1) {
      names.push(await page.locator('.byte-tabs [aria-selected=true]').getAttribute('data-tab'));
      assert.equal(await page.evaluate(() => document.activeElement.dataset.tab), names.at(-1));
      await page.keyboard.press('ArrowRight');
    }
    assert.deepEqual(names, ['wire', 'unmasked', 'inflated', 'message', 'decoded', 'wire']);
    await page.keyboard.press('End');
    assert.equal(await tab(page, 'decoded').getAttribute('aria-selected'), 'true');
    assert.equal(await page.locator('.byte-tabs [tabindex="0"]').count(), 1);
    await close();
  },

  'bytes are reached with the keys, and named where the cursor is': async (browser) => {
    const { page, close } = await open(browser, 'violations', { frame: 0 });
    await tab(page, 'unmasked').click();
    await page.focus('.hex');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('End');
    const active = () =>
      page.locator('.hex').evaluate((grid) => document.getElementById(grid.getAttribute('aria-activedescendant')).getAttribute('aria-label'));
    assert.equal(await active(), 'byte 24: 65, character e');
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('Shift+ArrowRight');
    assert.equal(await page.locator('.hex-byte.selected').count(), 2);
    assert.equal(await page.locator('.hex-byte[aria-label]').count(), 1);
    assert.equal(await page.locator('.byte-line').textContent(), 'bytes 0–1 (2)');
    await close();
  },

  'what a decoder found is tied to its bytes': async (browser) => {
    const { page, close } = await open(browser, 'showcase', { frame: 22 });
    await tab(page, 'decoded').click();
    await page.hover('.tree-row:has-text("type: avatar")');
    // {"type":"avatar","ok":true}
    assert.equal(await page.locator('.hex-char.marked').evaluateAll((cells) => cells.map((cell) => cell.textContent).join('')), '"avatar"');
    await page.hover('.hex-byte[data-at="22"]');
    assert.deepEqual(await page.locator('.tree-row.marked').allTextContents(), ['ok: true']);
    await close();
  },

  'the tree is closed and opened with the keys': async (browser) => {
    const { page, close } = await open(browser, 'showcase', { frame: 22 });
    await tab(page, 'decoded').click();
    await page.focus('.tree');
    assert.equal(await page.locator('.tree-row').count(), 3);
    await page.keyboard.press('ArrowLeft');
    assert.equal(await page.locator('.tree-row').count(), 1);
    assert.equal(await page.locator('.tree-row').getAttribute('aria-expanded'), 'false');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('End');
    assert.equal(await page.locator('.tree-row[aria-selected=true]').textContent(), 'ok: true');
    assert.equal(await page.locator('.hex-byte.marked').count(), 4);
    await close();
  },

  'a decoder chosen by hand stays for what goes the same way': async (browser) => {
    const { page, close, select } = await open(browser, 'showcase', { frame: 22 });
    await tab(page, 'decoded').click();
    await page.focus('[aria-label=Decoder]');
    await page.selectOption('[aria-label=Decoder]', 'Text');
    await page.locator('.decoder-scope', { hasText: 'for what the server sends on connection 0' }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), 'Decoder');
    await select(1);
    await page.locator('.tree-row', { hasText: 'welcome' }).waitFor();
    assert.equal(await page.locator('[aria-label=Decoder]').inputValue(), 'Text');
    await select(0);
    await page.locator('.tree-row', { hasText: 'type: join' }).waitFor();
    assert.equal(await page.locator('[aria-label=Decoder]').inputValue(), '');
    await close();
  },

  'the tree is searched': async (browser) => {
    const { page, close } = await open(browser, 'showcase', { frame: 16 });
    await tab(page, 'decoded').click();
    await page.fill('.decoder-find', 'SMELL');
    await page.press('.decoder-find', 'Enter');
    assert.match(await page.locator('.tree-row[aria-selected=true]').textContent(), /^5: They remember the smell/u);
    await page.fill('.decoder-find', 'trout');
    await page.press('.decoder-find', 'Enter');
    assert.equal(await page.locator('.decoder-find').getAttribute('aria-invalid'), 'true');
    await close();
  },

  'a compressed message is taken apart into literals and references': async (browser) => {
    const { page, close } = await open(browser, 'showcase', { frame: 11 });
    await tab(page, 'inflated').click();
    await page.locator('.token').first().waitFor();
    const text = '{"type":"message","room":"salmon","id":104,"name":"Ada","text":"How do they find the way back up the river?"}';
    assert.equal((await page.locator('.token').allTextContents()).join(''), text);
    assert.match(await page.locator('.deflate-facts').textContent(), /^45 bytes → 109 bytes \(41 % of its size\) in \d blocks?, farthest reference \d+ bytes back\.$/u);
    const shares = await page.locator('.deflate-shares small').allTextContents();
    assert.equal(shares.reduce((sum, share) => sum + Number.parseInt(share, 10), 0), 109);
    const earlier = page.locator('.token[data-kind=earlier]').first();
    await earlier.hover();
    assert.match(await page.locator('.deflate-line').textContent(), /^Back-reference: length \d+, distance \d+; copies from an earlier message, \d+ bytes? before this one begins\. \d+ bits for \d+ bytes\.$/u);
    assert.equal(await page.locator('.arc.lit').count(), 1);
    await page.focus('.tokens');
    await page.keyboard.press('Home');
    assert.equal(await page.locator('.token[aria-selected=true]').count(), 1);
    assert.equal(await page.locator('.token').first().getAttribute('aria-selected'), 'true');
    assert.deepEqual(await violationsOf(page, 'sky-detail'), []);
    await close();
  },

  'a token of a compressed message marks its bytes on the wire': async (browser) => {
    const { page, close } = await open(browser, 'showcase', { frame: 11 });
    await tab(page, 'inflated').click();
    await page.locator('.token').first().click();
    assert.equal(await page.locator('.marked-byte').count() > 0, true);
    await tab(page, 'wire').click();
    const at = await marked(page);
    assert.equal(at[0], 6);
    assert.equal(await page.locator('.provenance').textContent().then((line) => line.includes('of stream c2s')), true);
    await close();
  },

  'the fragments of a message lead to each other': async (browser) => {
    const { page, close } = await open(browser, 'showcase', { frame: 17 });
    assert.equal(await page.locator('.fragments-note').textContent(), 'Frame 2 of 3 frames:#16#17#20');
    await page.click('.fragments >> text=#20');
    assert.equal(await page.locator('.detail-title').first().textContent(), 'Frame #20');
    await close();
  },

  'a finding shows its bytes and what the rule says': async (browser) => {
    const { page, close } = await open(browser, 'violations', { frame: 9 });
    await page.click('.frame-findings summary');
    await page.click('.frame-findings >> text=show bytes');
    assert.deepEqual(await marked(page), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.match(await page.locator('.frame-findings details').textContent(), /violation.*A length that could be shorter.*§5\.2.*A strict client fails the connection with 1002/u);
    await close();
  },

  'a Close frame is explained': async (browser) => {
    const { page, close, select } = await open(browser, 'showcase', { frame: 24 });
    assert.equal(await page.locator('.close-note').textContent(), '1000 normal closure – The connection has served its purpose. Reason: see you');
    await select(0);
    assert.equal(await page.locator('.close-note').count(), 0);
    await close();
  },

  'the line of provenance names file, packet and stream': async (browser) => {
    const { page, close } = await open(browser, 'showcase', { frame: 24 });
    const whole = await page.locator('.provenance').textContent();
    const [, first, last, packet, place] = /^bytes ([\d,]+)–([\d,]+) of the file · packet (\d+) · \+(\d+) of stream c2s$/u.exec(whole) ?? assert.fail(whole);
    const number = (text) => Number(text.replaceAll(',', ''));
    assert.equal(number(last) - number(first) + 1, 15);
    await page.hover('[role=option][data-field=masking-key]');
    const part = `bytes ${(number(first) + 2).toLocaleString('en')}–${(number(first) + 5).toLocaleString('en')} of the file · packet ${packet} · +${number(place) + 2} of stream c2s`;
    assert.equal(await page.locator('.provenance').textContent(), part);
    await close();
  },

  'bytes are copied as a literal': async (browser) => {
    const { page, close } = await open(browser, 'showcase', { frame: 24, permissions: ['clipboard-read', 'clipboard-write'] });
    await tab(page, 'unmasked').click();
    await page.selectOption('[aria-label="Copy as"]', 'Rust');
    await page.click('.panel-tools >> text=Copy');
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'b"\\x03\\xe8see you"');
    await close();
  },

  'the frame pane is accessible, with each tab and in both themes': async (browser) => {
    for (const colorScheme of ['light', 'dark']) {
      const { page, close, select } = await open(browser, 'violations', { frame: 9, colorScheme });
      await page.click('.frame-findings summary');
      for (const name of ['wire', 'unmasked', 'message', 'decoded']) {
        await tab(page, name).click();
        await page.locator('.tab-panel .hex, .tab-panel .panel-text').first().waitFor();
        assert.deepEqual(await violationsOf(page, 'sky-detail'), [], `${name}, ${colorScheme}`);
      }
      await select(16);
      assert.deepEqual(await violationsOf(page, 'sky-detail'), [], `close, ${colorScheme}`);
      await close();
    }
  },
};
