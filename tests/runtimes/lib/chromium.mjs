// Chromium without a window, and the page that has the tests.
import { serveFolder } from './static.mjs';
import { within } from './process.mjs';
import { load } from './tools.mjs';

/** A browser that runs. */
export class Browser {
  #browser;
  #files;

  static async start(program, folder) {
    const browser = new Browser();
    browser.#files = await serveFolder(folder);
    browser.#browser = await load('playwright-core').chromium.launch({
      executablePath: program,
      args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
      ],
    });
    return browser;
  }

  /** Runs a set of tests in a page of its own. Gives each outcome to `take`. */
  async run(options, take) {
    const page = await this.#browser.newPage();
    const said = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    try {
      await page.exposeFunction('take', take);
      await page.goto(`${this.#files.url}/programs/page.html`);
      await page.waitForFunction('window.isReady', undefined, { timeout: 30_000 });
      await within(400, 'the end of the tests', page.evaluate((given) => window.runTests(given), options));
    } catch (error) {
      throw new Error(`${error.message} ${said.slice(-5).join(' | ')}`);
    } finally {
      await page.close().catch(() => {});
    }
  }

  async stop() {
    this.#files.stop();
    await this.#browser.close();
  }
}
