import { strict as assert } from 'node:assert';
import { open, violationsOf } from '../panes.mjs';

export const tests = {
  'a check that failed is tied to the line it is about': async (browser) => {
    const { page, close } = await open(browser, 'violations', { pane: 'connection' });
    const check = page.locator('.check[data-passed=false]', { hasText: 'Sec-WebSocket-Accept does not answer the key' });
    await check.hover();
    const pointed = await page.locator('.head-lines .pointed').allTextContents();
    assert.deepEqual(pointed.map((line) => line.split(':')[0]), ['Sec-WebSocket-Key', 'Sec-WebSocket-Accept']);
    assert.deepEqual(await page.locator('.head-lines [data-failed=violation]').allTextContents(), ['Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=']);
    assert.equal(await check.locator('a').getAttribute('href'), 'https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2');
    await close();
  },

  'a connection has its numbers, its round trips and its end': async (browser) => {
    const { page, close } = await open(browser, 'showcase', { pane: 'connection' });
    const row = async (name) => (await page.locator(`.statistics tr:has(th:text-is("${name}")) td`).allTextContents()).join(' ');
    await page.locator('.statistics').waitFor();
    assert.equal(await row('Frames'), '10 16');
    assert.equal(await row('Control frames'), '5 5');
    assert.match(await page.locator('.round-trips > p').textContent(), /^4 Pings answered: /u);
    assert.equal(await page.locator('.chart-point').count(), 4);
    assert.equal(await page.locator('.round-trips tbody tr').count(), 4);
    const steps = await page.locator('.closing-steps .closing-text').allTextContents();
    assert.equal(steps[0], 'The client sends Close 1000 normal closure, see you in #24');
    assert.equal(steps[1], 'The server echoes the Close 1000 normal closure, see you in #25');
    await page.click('.statistics .link >> nth=0');
    assert.equal(await page.locator('#tab-frame').getAttribute('aria-selected'), 'true');
    await close();
  },

  'findings are listed by rule, and lead to their bytes': async (browser) => {
    const { page, close } = await open(browser, 'violations', { pane: 'findings' });
    const rule = page.locator('.rule[data-rule=frame-length-not-minimal]');
    await rule.locator('summary').click();
    assert.equal(await rule.locator('.rule-count').textContent(), '2');
    assert.deepEqual(await rule.locator('.places button').allTextContents(), ['frame #8, from the client', 'frame #9, from the server']);
    await rule.locator('.places button').nth(1).click();
    await page.locator('sky-detail .detail-title', { hasText: '#9' }).waitFor();
    await page.locator('.hex-byte.marked').first().waitFor();
    assert.equal(await page.locator('.hex-byte.marked').count(), 9);
    await close();
  },

  'a rule becomes the filter of the list': async (browser) => {
    const { page, close } = await open(browser, 'violations', { pane: 'findings' });
    const rule = page.locator('.rule[data-rule=close-then-data]');
    await rule.locator('summary').click();
    const count = Number(await rule.locator('.rule-count').textContent());
    await rule.locator('text=only these in the list').click();
    await page.locator('.toast', { hasText: 'with close-then-data' }).waitFor();
    assert.match(await page.locator('.toast').textContent(), new RegExp(`The list shows ${count} rows? with close-then-data\\.`, 'u'));
    await close();
  },

  'the help opens with ? and closes with Escape': async (browser) => {
    const { page, close } = await open(browser, 'violations', { frame: 0 });
    await page.focus('sky-list [role=grid], sky-list');
    await page.keyboard.press('?');
    const dialog = page.locator('sky-help dialog');
    await dialog.locator('tbody tr').first().waitFor();
    assert.ok((await dialog.locator('tbody tr').count()) > 10);
    assert.deepEqual(await violationsOf(page, 'sky-help'), []);
    await page.keyboard.press('Escape');
    assert.equal(await dialog.getAttribute('open'), null);
    await close();
  },

  'the connection and findings panes are accessible in both themes': async (browser) => {
    for (const colorScheme of ['light', 'dark']) {
      const connection = await open(browser, 'showcase', { pane: 'connection', colorScheme });
      await connection.page.click('.checks-passed > summary');
      await connection.page.click('.round-trips summary');
      assert.deepEqual(await violationsOf(connection.page, 'sky-connection'), [], colorScheme);
      await connection.close();
      const findings = await open(browser, 'violations', { pane: 'findings', colorScheme });
      for (const summary of await findings.page.locator('.rule summary').all()) await summary.click();
      assert.deepEqual(await violationsOf(findings.page, 'sky-findings'), [], colorScheme);
      await findings.close();
    }
  },
};
