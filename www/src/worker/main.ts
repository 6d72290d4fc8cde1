/** The worker: reads captures, and answers the page's questions about them. */

import init, { filterHelp } from '../../generated/inspect.js';
import type { Call, FromWorker, Methods } from './protocol.js';
import { Session } from './session.js';

const session = new Session((progress) => say({ progress }));

const methods: Methods = {
  ready: async (module) => {
    const { memory } = await init({ module_or_path: module });
    session.memory = memory;
  },
  open: (files, options) => session.open(files, options),
  openUrl: (url, name) => session.openUrl(url, name),
  openLive: (base, token) => session.openLive(base, token),
  close: () => session.close(),
  setView: (view) => session.setView(view),
  rows: (from, count) => session.rows(from, count),
  rowOf: (frame) => session.rowOf(frame),
  find: (what, row, step) => session.find(what, row, step),
  frame: (number) => session.frame(number),
  message: (number, decoder) => session.message(number, decoder),
  connections: () => session.connections(),
  connection: (number) => session.connection(number),
  findings: (rule, from, count) => session.findings(rule, from, count),
  ruleCounts: () => session.ruleCounts(),
  histogram: (from, to, buckets) => session.histogram(from, to, buckets),
  completions: (text, cursor) => session.completions(text, cursor),
  filterHelp: () => JSON.parse(filterHelp()),
  export: (kind, view) => session.export(kind, view),
};

let loaded: Promise<unknown> = Promise.resolve();

addEventListener('message', async ({ data }: MessageEvent<Call>) => {
  const { id, method, parameters } = data;
  try {
    const call = methods[method] as (...parameters: unknown[]) => unknown;
    const answer = loaded.then(() => call(...parameters));
    if (method === 'ready') {
      // Whatever is asked before it is loaded waits.
      loaded = answer;
    }
    say({ id, value: await answer });
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) {
      // The module is in no state to go on; the page starts another worker.
      say({ fault: error.message });
    }
    say({ id, error: error instanceof Error ? error.message : String(error) });
  }
});

function say(message: FromWorker): void {
  postMessage(message);
}
