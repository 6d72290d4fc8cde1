import type { CaptureClient } from '../client.js';
import type { Mode, Progress, View } from '../model.js';

/** The bytes that a range of a highlight counts in. */
export type Space = 'wire' | 'unmasked' | 'inflated' | 'message';

/** A range of bytes that every pane shows as marked. `end` is exclusive. */
export interface Highlight {
  frame: number;
  space: Space;
  start: number;
  end: number;
}

/** The pane beside the list. */
export type Pane = 'frame' | 'connection' | 'findings';

/** Where a change of the selection came from; the list scrolls to the row unless it made the change itself. */
export type Origin = 'list' | 'detail' | 'connection' | 'findings' | 'overview' | 'hash' | 'app';

/** What each event tells; read the state itself for anything else. */
export interface Events {
  /** A capture was opened (`true`) or closed. */
  capture: boolean;
  /** How far reading is; also every change in live mode. */
  progress: Progress;
  /** Another frame was selected. */
  select: { frame: number | null; origin: Origin };
  /** Another connection is shown in the connection pane. */
  connection: number | null;
  /** The filter or the mode changed and the client has applied it. */
  view: View;
  /** The number of rows in the view, after `view` and when a live capture grows. */
  count: number;
  /** A range of bytes is marked, or none. */
  highlight: Highlight | null;
  /** Another pane is shown. */
  pane: Pane;
  /** The time of the selected frame, in seconds since the first packet; `NaN`: none is selected, or it has none. */
  cursor: number;
  /** The times of the first and the last row in sight. */
  visible: { from: number; to: number };
  /** Somebody asked for the help. */
  help: void;
  /** A sentence for the user, announced politely. */
  say: string;
}

/** What is wrong with the text of a filter. `start` and `end` are places in the text. */
export interface FilterProblem {
  message: string;
  start: number;
  end: number;
}

/**
 * The state of the page: what is open, what is selected, what is shown. Elements read it, change it through its methods and
 * listen with `on`; they never call each other.
 */
export class State {
  #target = new EventTarget();
  #client: CaptureClient | null = null;
  #progress: Progress | null = null;
  #selected: number | null = null;
  #connection: number | null = null;
  #view: View = { filter: '', mode: 'frames' };
  #applied: View = { filter: '', mode: 'frames' };
  /** Whether a view of this capture was chosen; before, rows that are told are those of the last one's view. */
  #settled = false;
  #expected = false;
  #count = 0;
  #highlighted: Highlight | null = null;
  #pane: Pane = 'frame';
  #cursor = Number.NaN;
  #visible = { from: Number.NaN, to: Number.NaN };
  #wanted = 0;
  #applying = 0;

  /** Calls `listener` on each event of this type until `signal` is aborted. */
  on<K extends keyof Events>(type: K, listener: (detail: Events[K]) => void, signal?: AbortSignal): void {
    this.#target.addEventListener(type, (event) => listener((event as CustomEvent<Events[K]>).detail), signal ? { signal } : {});
  }

  /** The client of the capture. Throws before `attach`, which the application calls before it makes any element. */
  get client(): CaptureClient {
    if (!this.#client) throw new Error('no client yet');
    return this.#client;
  }

  /** How far reading is; `null` while nothing is open. */
  get progress(): Progress | null {
    return this.#progress;
  }

  /** Number of the selected frame. */
  get selected(): number | null {
    return this.#selected;
  }

  /** Number of the connection in the connection pane. */
  get connection(): number | null {
    return this.#connection;
  }

  /** The filter and the mode of the list. */
  get view(): View {
    return this.#view;
  }

  /** Rows in the view. */
  get count(): number {
    return this.#count;
  }

  /** The bytes marked in every pane. */
  get highlighted(): Highlight | null {
    return this.#highlighted;
  }

  /** The pane beside the list. */
  get pane(): Pane {
    return this.#pane;
  }

  /** Time of the selected frame, in seconds since the first packet. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Times of the first and the last row in sight. */
  get visible(): { from: number; to: number } {
    return this.#visible;
  }

  /** Sets the client, once. */
  attach(client: CaptureClient): void {
    this.#client = client;
  }

  /** Forgets everything about the capture before another is opened, or because it was closed. */
  reset(open: boolean): void {
    this.#progress = null;
    this.#selected = null;
    this.#connection = null;
    this.#highlighted = null;
    this.#count = 0;
    this.#expected = false;
    this.#settled = false;
    this.#view = { filter: '', mode: this.#view.mode };
    this.#emit('capture', open);
    this.#emit('select', { frame: null, origin: 'app' });
  }

  /** Tells how far reading is. */
  setProgress(progress: Progress): void {
    this.#progress = progress;
    const isOfThisView = this.#settled && this.#applying === 0 && alike(this.#applied, this.#view);
    const grown = isOfThisView && progress.rows !== this.#count;
    if (grown) this.#count = progress.rows;
    this.#emit('progress', progress);
    if (grown) this.#emit('count', this.#count);
  }

  /** Selects a frame by its number. The connection pane follows it when `connection` is given. */
  select(frame: number | null, origin: Origin = 'app', connection?: number): void {
    if (connection !== undefined) this.selectConnection(connection);
    if (frame === this.#selected) return;
    this.#selected = frame;
    this.highlight(null);
    this.#emit('select', { frame, origin });
  }

  /** Shows another connection in the connection pane. */
  selectConnection(connection: number | null): void {
    if (connection === this.#connection) return;
    this.#connection = connection;
    this.#emit('connection', connection);
  }

  /** Marks a range of bytes in every pane, or none. */
  highlight(highlight: Highlight | null): void {
    const now = this.#highlighted;
    if (highlight === now) return;
    if (
      highlight && now && highlight.frame === now.frame && highlight.space === now.space &&
      highlight.start === now.start && highlight.end === now.end
    ) return;
    this.#highlighted = highlight;
    this.#emit('highlight', highlight);
  }

  /** Shows a pane. */
  show(pane: Pane): void {
    if (pane === this.#pane) return;
    this.#pane = pane;
    this.#emit('pane', pane);
  }

  /** Tells the time of the selected frame. */
  setCursor(time: number): void {
    if (Object.is(time, this.#cursor)) return;
    this.#cursor = time;
    this.#emit('cursor', time);
  }

  /** Tells the times of the first and the last row in sight. */
  setVisible(from: number, to: number): void {
    if (Object.is(from, this.#visible.from) && Object.is(to, this.#visible.to)) return;
    this.#visible = { from, to };
    this.#emit('visible', this.#visible);
  }

  /** Asks for the help. */
  help(): void {
    this.#emit('help', undefined);
  }

  /** Says a sentence to the user: shown for some seconds and read out politely. */
  say(sentence: string): void {
    this.#emit('say', sentence);
  }

  /**
   * Applies a filter and a mode. Gives what is wrong with the filter, in which case the view stays as it is. Of several
   * calls in flight only the last has an effect.
   */
  async setView(change: Partial<View>): Promise<FilterProblem | null> {
    const view: View = { ...this.#view, ...change };
    const turn = ++this.#wanted;
    this.#applying += 1;
    const { count, error } = await this.client
      .setView(view)
      .catch((failure: Error) => {
        // A view that another took the place of is given up.
        if (turn === this.#wanted) throw failure;
        return { count: 0, error: null };
      })
      .finally(() => (this.#applying -= 1));
    if (!error) this.#applied = view;
    if (turn !== this.#wanted) return null;
    if (error) {
      // The client may have one in between, which nobody has seen.
      if (this.#applying > 0 || !alike(this.#applied, this.#view)) await this.setView({});
      return error;
    }
    this.#settled = true;
    const expected = this.#expected && alike(view, this.#view);
    this.#expected = false;
    const before = this.#count;
    this.#view = view;
    this.#count = count;
    if (!expected) this.#emit('view', view);
    if (!expected || count !== before) this.#emit('count', count);
    return null;
  }

  /**
   * Takes it that a capture just begun has this many rows, where the client is known to have this view: so its first rows are
   * asked for without asking for the view before.
   */
  expect(view: View, count: number): void {
    if (!alike(view, this.#applied)) return;
    this.#expected = true;
    this.#settled = true;
    this.#view = view;
    this.#count = count;
    this.#emit('view', view);
    this.#emit('count', count);
  }

  /** Shows frames, messages or control frames. */
  async setMode(mode: Mode): Promise<void> {
    if (mode !== this.#view.mode) await this.setView({ mode });
  }

  /** Counts the rows of the view to the end, now that all is read. */
  async recount(): Promise<void> {
    // Asking again would make the client give up what it is doing.
    if (this.#applying > 0) return;
    const turn = this.#wanted;
    const { count, error } = await this.client.setView(this.#view);
    if (turn !== this.#wanted || error || count === this.#count) return;
    this.#count = count;
    this.#emit('count', count);
  }

  #emit<K extends keyof Events>(type: K, detail: Events[K]): void {
    this.#target.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function alike(one: View, other: View): boolean {
  return one.filter === other.filter && one.mode === other.mode;
}

/** The state of this page. */
export const state = new State();
