/** The page's side of the worker that reads and indexes captures. */

import type {
  Completion, ConnectionDetail, ConnectionSummary, ExportKind, FilterTerm, Finding, FrameDetail, Histogram, MessageDetail,
  OpenOptions, Progress, Row, RuleCount, View, ViewResult,
} from './model.js';
import { decodeRows } from './worker/rows.js';
import type { Call, FromWorker, Methods } from './worker/protocol.js';

export type * from './model.js';

/** A call that waits for its answer. */
interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * A capture, read and indexed by a worker: it opens one at a time, and answers questions about it while it is being read.
 *
 * Events: `progress` (a `CustomEvent` with a {@link Progress}) at most some ten times a second, and `error` (a `CustomEvent` with an
 * `Error`) when the worker itself fails; then nothing is answered until something else is opened.
 */
export class CaptureClient extends EventTarget {
  readonly #script: string;
  #worker: Worker;
  readonly #calls = new Map<number, Waiting>();
  #next = 1;
  #failure: Error | null = null;
  #progress: Progress | null = null;

  private constructor(script: string) {
    super();
    this.#script = script;
    this.#worker = this.#start();
  }

  /** Starts the worker; resolves when its WebAssembly is loaded. */
  static async create(): Promise<CaptureClient> {
    const response = await fetch(new URL('worker.js', document.baseURI));
    if (!response.ok) {
      throw new Error(`worker.js cannot be loaded: the server answered ${response.status}`);
    }
    // A worker from a blob is bound by the page's security policy: it cannot talk to any other server. One from a URL has its own policy.
    const client = new CaptureClient(URL.createObjectURL(new Blob([await response.text()], { type: 'text/javascript' })));
    await client.#ready();
    return client;
  }

  /** The last `progress`; `null`: nothing was opened yet. */
  get progress(): Progress | null {
    return this.#progress;
  }

  /**
   * Opens files in place of what was open: a capture; the two directions of a raw stream; each with key logs beside it, or compressed
   * with gzip. Resolves when everything is read, or something else was opened.
   */
  open(files: File[], options: OpenOptions = {}): Promise<void> {
    this.#restart();
    return this.#call('open', [files, options]);
  }

  /** Opens a capture from the page's own origin, such as a sample. */
  openUrl(url: string, name: string): Promise<void> {
    this.#restart();
    return this.#call('openUrl', [new URL(url, document.baseURI).href, name]);
  }

  /** Follows a recording of `sockeye proxy`, which serves this page from `base`. Resolves when it ends. */
  openLive(base: string, token: string): Promise<void> {
    this.#restart();
    return this.#call('openLive', [new URL(base, document.baseURI).href, token]);
  }

  /** Lets go of what is open. */
  close(): Promise<void> {
    return this.#call('close', []);
  }

  /** Chooses the rows. A filter with an error leaves them as they are. */
  setView(view: View): Promise<ViewResult> {
    return this.#call('setView', [view]);
  }

  /** Reads rows of the view; fewer at its end. */
  async rows(from: number, count: number): Promise<Row[]> {
    return decodeRows(await this.#call('rows', [from, count]));
  }

  /** The row of a frame, or the nearest before it; 0 in a view without rows. */
  rowOf(frame: number): Promise<number> {
    return this.#call('rowOf', [frame]);
  }

  /**
   * Looks for the next row (`step` 1) or the one before: with a finding; with the Ping's Pong or the Pong's Ping; of the same direction; of
   * the next connection. `null`: there is none.
   */
  find(what: 'finding' | 'pong' | 'direction' | 'connection', row: number, step: 1 | -1): Promise<number | null> {
    return this.#call('find', [what, row, step]);
  }

  /** Reads a frame. Fails when there are not so many. */
  frame(number: number): Promise<FrameDetail> {
    return this.#call('frame', [number]);
  }

  /** Reads the message that a frame belongs to, and decodes it: with the likeliest decoder, or the named one. */
  message(number: number, decoder?: string): Promise<MessageDetail> {
    return this.#call('message', [number, decoder ?? null]);
  }

  connections(): Promise<ConnectionSummary[]> {
    return this.#call('connections', []);
  }

  connection(number: number): Promise<ConnectionDetail> {
    return this.#call('connection', [number]);
  }

  /** Findings of a rule, or of all, in the order in which they were found. */
  findings(rule: string | null, from: number, count: number): Promise<Finding[]> {
    return this.#call('findings', [rule, from, count]);
  }

  /** The rules that were broken, the worst first. */
  ruleCounts(): Promise<RuleCount[]> {
    return this.#call('ruleCounts', []);
  }

  /** Counts traffic between two times, in seconds since the first packet. */
  histogram(from: number, to: number, buckets: number): Promise<Histogram> {
    return this.#call('histogram', [from, to, buckets]);
  }

  /** What may stand at the cursor of a filter. */
  completions(text: string, cursor: number): Promise<Completion[]> {
    return this.#call('completions', [text, cursor]);
  }

  /** The terms of the filter language. */
  filterHelp(): Promise<FilterTerm[]> {
    return this.#call('filterHelp', []);
  }

  /** Writes what is open, or only what the view shows. */
  export(kind: ExportKind, view: boolean): Promise<Blob> {
    return this.#call('export', [kind, view]);
  }

  #start(): Worker {
    const worker = new Worker(this.#script, { type: 'module' });
    worker.addEventListener('message', (event: MessageEvent<FromWorker>) => this.#receive(event.data));
    worker.addEventListener('error', (event) => this.#fail(new Error(event.message || 'the worker could not be loaded')));
    worker.addEventListener('messageerror', () => this.#fail(new Error('an answer of the worker could not be read')));
    return worker;
  }

  #ready(): Promise<void> {
    return this.#call('ready', [new URL('inspect_bg.wasm', document.baseURI).href]);
  }

  /** Starts another worker where the last one failed. */
  #restart(): void {
    if (this.#failure) {
      this.#failure = null;
      this.#worker.terminate();
      this.#worker = this.#start();
      this.#ready().catch(() => {});
    }
  }

  #call<Name extends keyof Methods>(method: Name, parameters: Parameters<Methods[Name]>): Promise<Awaited<ReturnType<Methods[Name]>>> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      const id = this.#next++;
      this.#calls.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, method, parameters } satisfies Call);
    });
  }

  #receive(message: FromWorker): void {
    if ('progress' in message) {
      this.#progress = message.progress;
      this.dispatchEvent(new CustomEvent('progress', { detail: message.progress }));
      return;
    }
    if ('fault' in message) {
      this.#fail(new Error(`the inspection failed: ${message.fault}`));
      return;
    }
    const waiting = this.#calls.get(message.id);
    this.#calls.delete(message.id);
    if ('error' in message) {
      waiting?.reject(new Error(message.error));
    } else {
      waiting?.resolve(message.value);
    }
  }

  #fail(error: Error): void {
    this.#failure = error;
    for (const waiting of this.#calls.values()) {
      waiting.reject(error);
    }
    this.#calls.clear();
    this.dispatchEvent(new CustomEvent('error', { detail: error }));
  }
}
