// What the tests and the benchmark share: the page behind a server of its own, a browser, and captures.
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = fileURLToPath(new URL('.', import.meta.url));
const www = join(here, '../../www');

/** The folder with the page. */
export const folder = environment('SOCKEYE_PAGE');

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
/** The page's own policy, for the page that tests the client alone. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src blob:; img-src data:";

/**
 * Serves a folder on loopback. `more` answers requests that are no file (`(request, response, path) => boolean`), `upgrade` takes WebSockets.
 */
export async function serve(root, { more = () => false, upgrade } = {}) {
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://page').pathname;
    const file = join(root, normalize(path === '/' ? '/index.html' : path));
    if (more(request, response, path)) {
      return;
    }
    if (request.method !== 'GET' || !file.startsWith(root) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  if (upgrade) {
    server.on('upgrade', upgrade);
  }
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The browser, and what the tests ask of it. */
export class Browser {
  #browser;
  #server;
  #client;

  static async start() {
    const browser = new Browser();
    const { build } = await import(join(www, 'node_modules/esbuild/lib/main.js'));
    const { outputFiles } = await build({ entryPoints: [join(www, 'src/client.ts')], bundle: true, format: 'esm', write: false });
    browser.#client = outputFiles[0].text;
    browser.#server = await browser.serve();
    browser.#browser = await chromium.launch({
      executablePath: environment('SOCKEYE_CHROMIUM'),
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
    return browser;
  }

  async close() {
    await this.#browser.close();
    this.#server.close();
  }

  /** Serves the page once more, with what else there is to be (see `serve`); its `url` is a `base` for `openPage` and `openClient`. */
  serve({ more = () => false, upgrade } = {}) {
    return serve(folder, { more: (...request) => more(...request) || this.#serveTests(...request), upgrade });
  }

  /** Opens the page, or something else below it, in a context of its own. */
  async openPage({ path = '', base = this.#server.url, ...options } = {}) {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    const complaints = [];
    const requests = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) {
        complaints.push(message.text());
      }
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    context.on('request', (request) => requests.push(request.url()));
    await page.goto(new URL(path, base).href);
    return {
      page,
      requests,
      complaints,
      /** Ends it, and fails where the page complained, or asked anybody but its own server. */
      close: async () => {
        await context.close();
        const outside = requests.filter((url) => !url.startsWith(base) && !/^(?:data|blob):/.test(url));
        if (outside.length > 0) {
          throw new Error(`requests left: ${outside.join(', ')}`);
        }
        if (complaints.length > 0) {
          throw new Error(`the page complained: ${complaints.join('; ')}`);
        }
      },
    };
  }

  /** Opens a page with nothing but `window.client`, a `CaptureClient`, and a picker for files. */
  async openClient(options = {}) {
    const opened = await this.openPage({ path: 'test/client.html', ...options });
    await opened.page.waitForFunction(() => globalThis.client);
    return {
      ...opened,
      /** Has the client open files of the disk (paths), and waits for the end. */
      open: async (...files) => {
        await opened.page.setInputFiles('input', files);
        await opened.page.evaluate(() => client.open([...document.querySelector('input').files]));
      },
      /** Has the client open a sample. */
      sample: (name) => opened.page.evaluate((name) => client.openUrl(`/samples/${name}.pcapng`, name), name),
      /** Calls the client, and returns what it answers. */
      ask: (method, ...parameters) =>
        opened.page.evaluate(([method, parameters]) => client[method](...parameters), [method, parameters]),
    };
  }

  /** Answers requests for what the tests have beside the page. */
  #serveTests(_request, response, path) {
    if (path === '/test/client.html') {
      response.writeHead(200, { 'content-type': TYPES['.html'], 'content-security-policy': POLICY });
      response.end('<!doctype html><base href="/"><link rel="icon" href="data:,"><input type="file" multiple><script type="module" src="/test/main.js"></script>');
      return true;
    }
    if (path === '/test/main.js' || path === '/test/client.js') {
      response.writeHead(200, { 'content-type': TYPES['.js'] });
      response.end(path === '/test/client.js' ? this.#client : MAIN);
      return true;
    }
    return false;
  }
}

const MAIN = `
import { CaptureClient } from '/test/client.js';
globalThis.client = await CaptureClient.create();
`;

/** A folder for files of a run, gone at its end. */
export function scratch() {
  const path = mkdtempSync(join(tmpdir(), 'sockeye-page-'));
  process.on('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Makes a capture of `count` frames, 167 bytes each. */
export function makeFrames(count, file) {
  execFileSync(environment('SOCKEYE_CAPTURE'), ['frames', String(count), file], { stdio: 'inherit' });
  return file;
}

function environment(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set: run this with \`cargo xtask test --only page\` or \`cargo xtask bench page\``);
  }
  return value;
}
