import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { openSample } from '../view.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Fails with what axe finds, and where. */
async function assertAccessible(page) {
  await page.evaluate(axe);
  const violations = await page.evaluate(async (rules) => {
    const found = await globalThis.axe.run(document, { runOnly: rules });
    return found.violations.map(({ id, help, nodes }) => `${id} (${help}): ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
  }, RULES);
  assert.deepEqual(violations, []);
}

const sizes = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };
const tests = {};
for (const colorScheme of ['light', 'dark']) {
  for (const [size, viewport] of Object.entries(sizes)) {
    tests[`axe finds nothing on the first screen, ${colorScheme} and ${size}`] = async (browser) => {
      const { page, close } = await browser.openPage({ colorScheme, viewport });
      await page.waitForSelector('.samples button');
      await assertAccessible(page);
      await close();
    };
    for (const pane of ['frame', 'connection', 'findings']) {
      tests[`axe finds nothing on a capture with the ${pane} pane, ${colorScheme} and ${size}`] = async (browser) => {
        const { page, close } = await openSample(browser, 'violations', { place: { frame: 3, pane }, colorScheme, viewport });
        await page.waitForSelector(`#panel-${pane} :is(h2, h3)`);
        await assertAccessible(page);
        await close();
      };
    }
  }
}

tests['axe finds nothing while a filter is mistaken and suggestions are open'] = async (browser) => {
  const { page, close } = await openSample(browser, 'violations');
  await page.fill('sky-filter input', 'op:');
  await page.waitForSelector('sky-filter [role=option]');
  await page.waitForFunction(() => document.querySelector('#filter-problem').textContent !== '');
  await assertAccessible(page);
  await close();
};

tests['with reduced motion nothing is animated'] = async (browser) => {
  const { page, close } = await openSample(browser, 'showcase', { reducedMotion: 'reduce' });
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll('*')].filter((element) => {
      const { transitionDuration, animationName, animationDuration } = getComputedStyle(element);
      return transitionDuration.split(',').some((time) => Number.parseFloat(time) > 0.001) || (animationName !== 'none' && Number.parseFloat(animationDuration) > 0.001);
    }).length);
  assert.equal(moving, 0);
  await close();
};

export { tests };
