// What the tests of the panes share.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Opens a sample in the page, at a frame or in a pane. What else is in `options` goes to the context of the browser. */
export async function open(browser, sample, { frame, pane, ...options } = {}) {
  const place = new URLSearchParams({ sample: `${sample}.pcapng`, ...(frame !== undefined && { frame }), ...(pane && { pane }) });
  const opened = await browser.openPage({ path: `#${place}`, viewport: { width: 1440, height: 900 }, ...options });
  const { page } = opened;
  const title = (number) => page.locator('sky-detail .detail-title', { hasText: new RegExp(`#${number}$`, 'u') }).waitFor();
  if (frame !== undefined) await title(frame);
  return {
    ...opened,
    /** Goes to another frame. */
    select: async (number) => {
      await page.evaluate((to) => {
        const terms = new URLSearchParams(location.hash.slice(1));
        terms.set('frame', to);
        location.hash = terms;
      }, number);
      await title(number);
    },
  };
}

/** What axe has to say against a part of the page: rules and the elements that break them. */
export async function violationsOf(page, selector) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    (within) =>
      globalThis.axe.run(within, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }),
    selector,
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}
