/** What is open, and the answers to questions about it. */

import { Inspection } from '../../generated/inspect.js';
import type {
  Bytes, Completion, ConnectionDetail, ConnectionSummary, ExportKind, Finding, FrameDetail, Histogram, MessageDetail, OpenOptions,
  Preset, Progress, RuleCount, View, ViewResult,
} from '../model.js';
import { sortFiles, type Sorted } from './files.js';
import { LiveCapture } from './live.js';
import { decodeRows, type PackedRows } from './rows.js';
import { BlobCapture, type Capture } from './source.js';

/** A capture that is open. */
interface Opened {
  name: string;
  capture: Capture;
  inspection: Inspection;
  /** What it was opened from, to open it again with keys. */
  sorted: Sorted | null;
  /** Bytes that were read of it. */
  bytes: number;
  isDone: boolean;
  /** Ends its reading. */
  abort: AbortController;
}

/** Bytes of the first piece: few, so that rows show at once. */
const FIRST_PIECE = 256 << 10;
const PIECE = 8 << 20;
const LEAST_BITE = 256 << 10;
/** Milliseconds between two reports of progress. */
const REPORT_INTERVAL = 80;
/** Milliseconds that a search, or the reading, keeps the worker from answering. */
const SLICE = 12;
const LEAST_FRAMES = 256;
const MOST_FRAMES = 1 << 20;

/** One capture at a time, read and asked about. */
export class Session {
  /** The module's memory. */
  memory: WebAssembly.Memory | null = null;
  readonly #report: (progress: Progress) => void;
  #opened: Opened | null = null;
  /** Counts what was opened, so that the last one wins. */
  #openings = 0;
  #view: View = { filter: '', mode: 'frames' };
  /** Counts views, so that a search ends when another view is wanted. */
  #views = 0;
  /** Frames to look at between two looks at the clock. */
  #frames = 1 << 16;
  /** Bytes to take between two looks at the clock. */
  #bite = PIECE;
  #reported = 0;
  /** Reports what was not reported because it came too soon, once nothing more comes. */
  #late: ReturnType<typeof setTimeout> | undefined;

  constructor(report: (progress: Progress) => void) {
    this.#report = report;
  }

  async open(files: File[], options: OpenOptions): Promise<void> {
    const opening = ++this.#openings;
    const sorted = await sortFiles(files, options.keys ?? []);
    if (opening !== this.#openings) {
      return;
    }
    if (sorted.capture) {
      await this.#openSorted(options.name ? { ...sorted, name: options.name } : sorted, options.preset);
      return;
    }
    const before = this.#opened?.sorted;
    if (!before) {
      throw new Error('This is a key log: open it together with its capture.');
    }
    await this.#openSorted({ ...before, keys: sorted.keys }, options.preset);
  }

  async openUrl(url: string, name: string): Promise<void> {
    const opening = ++this.#openings;
    const response = await fetch(url, { credentials: 'omit' });
    if (!response.ok) {
      throw new Error(`${name} cannot be loaded: the server answered ${response.status}`);
    }
    const blob = await response.blob();
    if (opening === this.#openings) {
      await this.open([new File([blob], name)], {});
    }
  }

  async openLive(base: string, token: string): Promise<void> {
    ++this.#openings;
    const abort = new AbortController();
    const capture = new LiveCapture(base, token, abort.signal);
    await this.#read(this.#replace('Recording', capture, null, new Uint8Array(), undefined, abort));
  }

  close(): void {
    ++this.#openings;
    this.#drop();
  }

  async setView(view: View): Promise<ViewResult> {
    const opened = this.#current();
    const { inspection } = opened;
    const mine = ++this.#views;
    if (view.filter !== this.#view.filter || view.mode !== this.#view.mode) {
      const error = inspection.setView(view.filter, view.mode);
      if (error !== undefined) {
        return { count: inspection.rowCount(), error: JSON.parse(error) };
      }
      this.#view = { ...view };
    }
    while (!this.#advance(inspection)) {
      await turn();
      if (mine !== this.#views || opened !== this.#opened) {
        throw new Error('another view was chosen');
      }
    }
    return { count: inspection.rowCount(), error: null };
  }

  rows(from: number, count: number): PackedRows {
    return { from, buffer: this.#current().inspection.rows(from, count) };
  }

  rowOf(frame: number): number {
    return this.#current().inspection.rowOf(frame);
  }

  find(what: string, row: number, step: 1 | -1): number | null {
    return this.#current().inspection.find(what, row, step > 0) ?? null;
  }

  frame(number: number): FrameDetail {
    const { inspection } = this.#current();
    const frame = JSON.parse(inspection.frame(number));
    [frame.row] = decodeRows({ from: inspection.rowOf(number), buffer: inspection.part(0) });
    addPart(inspection, frame.wire, 1);
    addPart(inspection, frame.unmasked, 2);
    for (const piece of frame.pieces) {
      piece.time ??= NaN;
    }
    return frame;
  }

  message(number: number, decoder: string | null): MessageDetail {
    const { inspection } = this.#current();
    const { tokens, ...message } = JSON.parse(inspection.message(number, decoder));
    message.tokens = [];
    for (let at = 0; at < tokens.length; at += 5) {
      const [firstBit, endBit, start, end, distance] = tokens.slice(at, at + 5);
      message.tokens.push({ bits: [firstBit, endBit], inflated: [start, end], distance });
    }
    addPart(inspection, message.joined, 0);
    if (message.inflated) {
      addPart(inspection, message.inflated, 1);
    }
    return message;
  }

  connections(): ConnectionSummary[] {
    const connections: ConnectionSummary[] = JSON.parse(this.#current().inspection.connections());
    connections.forEach(addTimes);
    return connections;
  }

  connection(number: number): ConnectionDetail {
    const connection: ConnectionDetail = JSON.parse(this.#current().inspection.connection(number));
    addTimes(connection);
    connection.requested ??= NaN;
    connection.answered ??= NaN;
    for (const step of [...connection.roundTrips, ...connection.closing]) {
      step.time ??= NaN;
    }
    return connection;
  }

  findings(rule: string | null, from: number, count: number): Finding[] {
    return JSON.parse(this.#current().inspection.findings(rule, from, count));
  }

  ruleCounts(): RuleCount[] {
    return JSON.parse(this.#current().inspection.ruleCounts());
  }

  histogram(from: number, to: number, buckets: number): Histogram {
    const counts = this.#current().inspection.histogram(from, to, buckets);
    const field = (field: number) => counts.filter((_, at) => at % 5 === field);
    return {
      buckets,
      from,
      to,
      up: field(0),
      down: field(1),
      controlUp: Uint32Array.from(field(2)),
      controlDown: Uint32Array.from(field(3)),
      findings: Uint32Array.from(field(4)),
    };
  }

  completions(text: string, cursor: number): Completion[] {
    return JSON.parse(this.#current().inspection.completions(text, cursor));
  }

  export(kind: ExportKind, view: boolean): Blob {
    const { inspection, name } = this.#current();
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const sink = { write: (bytes: Uint8Array) => void parts.push(bytes.slice()) };
    const type = inspection.export(kind, view, name, sink);
    return new Blob(parts, { type });
  }

  /** Opens files that were told apart, and reads them to their end. */
  async #openSorted(sorted: Sorted, preset: Preset | undefined): Promise<void> {
    const capture = new BlobCapture(sorted.capture, sorted.problems);
    const opened = this.#replace(sorted.name, capture, sorted, sorted.keys, preset, new AbortController());
    if (sorted.other) {
      const other = new BlobCapture(sorted.other);
      await this.#readPieces(opened, other, () => opened.inspection.pushOther());
    }
    await this.#read(opened);
  }

  /** Puts a capture in the place of what is open. */
  #replace(
    name: string, capture: Capture, sorted: Sorted | null, keys: Uint8Array, preset: Preset | undefined, abort: AbortController,
  ): Opened {
    this.#drop();
    const source = { read: (offset: number, into: Uint8Array) => capture.readNow(offset, into) };
    const { deflate } = preset ?? {};
    const parameters = typeof deflate === 'object'
      ? [+deflate.serverNoContextTakeover, +deflate.clientNoContextTakeover, deflate.serverMaxWindowBits, deflate.clientMaxWindowBits]
      : [];
    const inspection = new Inspection(
      source,
      keys,
      preset?.direction ? (preset.direction === 'c2s' ? 1 : 2) : 0,
      deflate === undefined ? 0 : deflate === 'off' ? 1 : 2,
      Uint8Array.from(parameters),
    );
    // The view stays: its filter was read before.
    inspection.setView(this.#view.filter, this.#view.mode);
    this.#opened = { name, capture, inspection, sorted, bytes: 0, isDone: false, abort };
    this.#reported = 0;
    return this.#opened;
  }

  #drop(): void {
    this.#opened?.abort.abort();
    this.#opened?.inspection.free();
    this.#opened = null;
  }

  /** Reads a capture to its end, or until another is opened. */
  async #read(opened: Opened): Promise<void> {
    const { inspection, capture } = opened;
    const isWhole = await this.#readPieces(opened, capture, (length) => {
      inspection.push();
      opened.bytes += length;
      this.#advance(inspection);
    });
    if (!isWhole) {
      return;
    }
    inspection.finish();
    opened.isDone = true;
    this.#advance(inspection);
    this.#tell(opened, true);
  }

  /** Has `take` take what was put into the module's memory, piece by piece. False: another capture was opened meanwhile. */
  async #readPieces(opened: Opened, capture: Capture, take: (length: number) => void): Promise<boolean> {
    const { inspection, abort: { signal } } = opened;
    let offset = 0;
    let ahead = capture.read(0, FIRST_PIECE);
    for (;;) {
      let piece: Uint8Array | null;
      try {
        piece = await ahead;
      } catch (error) {
        if (signal.aborted) {
          return false;
        }
        throw error;
      }
      if (signal.aborted) {
        return false;
      }
      if (!piece) {
        return true;
      }
      offset += piece.length;
      // The next one is read while this one is looked at.
      ahead = capture.read(offset, PIECE);
      ahead.catch(() => {});
      for (let at = 0; at < piece.length;) {
        const bite = piece.subarray(at, at + this.#bite);
        const start = performance.now();
        const address = inspection.room(bite.length);
        new Uint8Array(this.memory!.buffer, address, bite.length).set(bite);
        take(bite.length);
        at += bite.length;
        const spent = performance.now() - start;
        if (spent > 2 * SLICE && this.#bite > LEAST_BITE) {
          this.#bite /= 2;
        } else if (spent < SLICE / 2 && this.#bite < PIECE) {
          this.#bite *= 2;
        }
        this.#tell(opened, false);
        await turn();
        if (signal.aborted) {
          return false;
        }
      }
    }
  }

  /** Looks for rows for a while. True: there are no more to be found. */
  #advance(inspection: Inspection): boolean {
    const start = performance.now();
    for (;;) {
      const before = performance.now();
      const isDone = inspection.advance(this.#frames);
      const now = performance.now();
      if (now - before > SLICE && this.#frames > LEAST_FRAMES) {
        this.#frames >>= 1;
      } else if (now - before < SLICE / 4 && this.#frames < MOST_FRAMES) {
        this.#frames <<= 1;
      }
      if (isDone || now - start > SLICE) {
        return isDone;
      }
    }
  }

  /** Reports progress, unless it was just done. */
  #tell(opened: Opened, always: boolean): void {
    const now = performance.now();
    clearTimeout(this.#late);
    if (!always && now - this.#reported < REPORT_INTERVAL) {
      // A recording may say nothing more for a long time.
      this.#late = setTimeout(() => this.#catchUp(opened), REPORT_INTERVAL);
      return;
    }
    this.#reported = now;
    const { name, capture, inspection, bytes, isDone } = opened;
    const known = JSON.parse(inspection.progress());
    this.#report({
      ...known,
      name,
      bytes,
      total: capture.size,
      start: known.start ?? NaN,
      duration: known.duration ?? 0,
      done: isDone,
      problems: [...capture.problems, ...known.problems],
      live: capture.isLive && !isDone,
      behind: capture.isLive ? capture.size - bytes : 0,
    });
  }

  /** Looks for the rest of the rows, and reports them. */
  #catchUp(opened: Opened): void {
    if (this.#opened !== opened) {
      return;
    }
    const isAll = this.#advance(opened.inspection);
    this.#tell(opened, true);
    if (!isAll) {
      this.#late = setTimeout(() => this.#catchUp(opened));
    }
  }

  #current(): Opened {
    if (!this.#opened) {
      throw new Error('nothing is open');
    }
    return this.#opened;
  }
}

/** Gives bytes that were answered beside their JSON their place in it. */
function addPart(inspection: Inspection, bytes: Bytes, part: number): void {
  bytes.data = inspection.part(part);
}

/** JSON has no NaN. */
function addTimes(connection: ConnectionSummary): void {
  connection.opened ??= NaN;
  connection.last ??= NaN;
}

/** Lets the worker answer what was asked meanwhile. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    turns.push(resolve);
    channel.port2.postMessage(null);
  });
}

const channel = new MessageChannel();
const turns: (() => void)[] = [];
channel.port1.onmessage = () => turns.shift()?.();
