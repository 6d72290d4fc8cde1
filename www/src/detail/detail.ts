import { type Highlight, state } from '../app/state.js';
import { el, fill } from '../dom.js';
import type { Finding, FrameDetail, MessageDetail } from '../model.js';
import { BitGrid } from './bit-grid.js';
import { BytesPanel, type PanelHost } from './bytes-panel.js';
import { type Field, frameFields } from './fields.js';
import { closeNote, fillKnown, findingList, fragments, frameHead } from './frame-head.js';
import { carry } from './ranges.js';
import './detail.css';
import './bits.css';
import './hex.css';
import './deflate.css';
import './tree.css';

/**
 * `<sky-detail>`: the selected frame, as bits, as bytes, and as what they mean. Whatever is pointed at in one view is marked in the
 * others.
 */
export class SkyDetail extends HTMLElement implements PanelHost {
  readonly #grid = new BitGrid((start, end, held) => this.#markWire(start, end, held));
  readonly #panel = new BytesPanel(this);
  readonly #head = el('div', { class: 'detail-top' });
  readonly #notes = el('div', { class: 'detail-notes' });
  readonly #fragments = el('div');
  readonly #body: HTMLElement;
  readonly #empty = el('p', { class: 'detail-empty', text: 'Choose a frame to see its bits and bytes.' });
  #listening: AbortController | null = null;
  #detail: FrameDetail | null = null;
  #message: MessageDetail | null = null;
  #fields: Field[] = [];
  #base: number | null = null;
  #held: Highlight | null = null;
  #pointed = false;
  #turn = 0;
  /** The decoder chosen by hand for a direction of a connection. */
  readonly #decoders = new Map<string, string>();

  constructor() {
    super();
    this.#body = el(
      'div',
      { class: 'detail-body' },
      el('section', { class: 'detail-bits', 'aria-label': 'Bits of the frame' }, this.#grid.element, this.#notes),
      this.#panel.element,
    );
    new ResizeObserver(([entry]) => (this.#grid.payloadRows = (entry?.contentRect.width ?? 0) >= SIDE_BY_SIDE ? 12 : 3)).observe(this);
  }

  connectedCallback(): void {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    fill(this, this.#empty, this.#head, this.#body);
    state.on('select', ({ frame }) => void this.#load(frame), signal);
    state.on('highlight', (highlight) => this.#show(highlight), signal);
    state.on('capture', () => this.#forget(), signal);
    void this.#load(state.selected);
  }

  disconnectedCallback(): void {
    this.#listening?.abort();
    this.#listening = null;
  }

  mark(highlight: Highlight | null, held: boolean): void {
    if (held) this.#held = highlight;
    this.#pointed = true;
    state.highlight(highlight ?? this.#held);
    this.#pointed = false;
  }

  chosen(): void {
    void this.#loadMessage();
  }

  decodeWith(decoder: string | null): void {
    const key = this.#direction;
    if (decoder === null) this.#decoders.delete(key);
    else this.#decoders.set(key, decoder);
    this.#message = null;
    void this.#loadMessage();
  }

  get #direction(): string {
    return `${this.#detail?.row.connection}/${this.#detail?.row.direction}`;
  }

  async #load(frame: number | null): Promise<void> {
    const turn = (this.#turn += 1);
    this.#held = null;
    this.#empty.hidden = frame !== null;
    this.#head.hidden = this.#body.hidden = frame === null;
    if (frame === null) {
      this.#detail = null;
      return;
    }
    try {
      const detail = await state.client.frame(frame);
      if (turn === this.#turn) this.#draw(detail);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#empty.textContent = `Frame ${frame} cannot be read: ${reason(error)}`;
      this.#empty.hidden = false;
      this.#head.hidden = this.#body.hidden = true;
    }
  }

  #draw(detail: FrameDetail): void {
    this.#detail = detail;
    this.#message = null;
    this.#base = detail.row.number === detail.message ? 0 : null;
    this.#fields = frameFields(detail);
    fill(this.#head, frameHead(detail));
    fill(this.#fragments);
    this.#grid.show(detail, this.#fields);
    const findings = findingList(
      detail.findings,
      (finding, held) => this.mark(findingHighlight(finding), held),
      () => this.mark(null, false),
    );
    fillKnown(this.#notes, closeNote(detail), this.#fragments, findings);
    this.#panel.show(detail, this.#fields);
    if (this.#panel.needsMessage || detail.row.fragment !== 'whole') void this.#loadMessage();
  }

  async #loadMessage(): Promise<void> {
    const detail = this.#detail;
    if (!detail || this.#message || (!this.#panel.needsMessage && detail.row.fragment === 'whole')) return;
    const turn = this.#turn;
    const pinned = this.#decoders.get(this.#direction) ?? null;
    try {
      const message = await state.client.message(detail.message, pinned ?? undefined);
      const base = await this.#offset(detail, message);
      if (turn !== this.#turn) return;
      this.#message = message;
      this.#base = base;
      fill(this.#fragments, fragments(detail, message));
      this.#panel.showMessage(message, base, pinned);
    } catch (error) {
      if (turn === this.#turn) this.#panel.showFailure(`The message cannot be read: ${reason(error)}`);
    }
  }

  /** Where the frame's payload begins in the joined one; `null`: too many frames lie before it. */
  async #offset(detail: FrameDetail, message: MessageDetail): Promise<number | null> {
    const before = message.frames.indexOf(detail.row.number);
    if (before < 0 || before > MAX_BEFORE) return null;
    const frames = await Promise.all(message.frames.slice(0, before).map((number) => state.client.frame(number)));
    return frames.reduce((sum, { row }) => sum + row.payload, 0);
  }

  #markWire(start: number, end: number, held: boolean): void {
    const frame = this.#detail?.row.number;
    if (frame === undefined) return;
    this.mark(start < end ? { frame, space: 'wire', start, end } : null, held);
  }

  #show(highlight: Highlight | null): void {
    const detail = this.#detail;
    if (!detail) return;
    const here = highlight?.frame === detail.row.number ? highlight : null;
    const wire = here && carry(here, 'wire', detail, this.#message, this.#base);
    this.#grid.mark(wire?.start ?? 0, wire?.end ?? 0);
    // What this pane points at is in view already, in the view that points; elsewhere it has to come into view.
    this.#panel.mark(here, !this.#pointed || here === this.#held || here?.space === 'wire');
  }

  #forget(): void {
    this.#decoders.clear();
    this.#turn += 1;
  }
}

function findingHighlight(finding: Finding): Highlight | null {
  if (finding.frame === null || finding.end <= finding.start) return null;
  const space = finding.place === 'inflated' ? 'message' : 'wire';
  return { frame: finding.frame, space, start: finding.start, end: finding.end };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The width from which the bytes stand beside the bits, as in the style sheet. */
const SIDE_BY_SIDE = 1180;
/** More frames are not read only to know how long they are. */
const MAX_BEFORE = 64;

customElements.define('sky-detail', SkyDetail);
