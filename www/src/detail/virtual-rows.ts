import { el, perFrame } from '../dom.js';

/** What a {@link VirtualRows} shows. */
export interface RowSource {
  /** Height of a row in pixels. */
  rowHeight: number;
  /** Makes an empty row, to be filled again and again. */
  make(): HTMLElement;
  /** Fills a row. */
  render(row: HTMLElement, index: number): void;
}

/**
 * A scroller with any number of rows of equal height, of which only those in view exist. Browsers clamp the height of an element, so
 * beyond some hundred thousand rows the scrollbar is a scale rather than a length.
 */
export class VirtualRows {
  /** The scroller. */
  readonly element: HTMLElement;
  readonly #source: RowSource;
  readonly #spacer: HTMLElement;
  readonly #body: HTMLElement;
  readonly #shown = new Map<number, HTMLElement>();
  readonly #spare: HTMLElement[] = [];
  readonly #draw = perFrame(() => this.#place());
  #count = 0;

  /** `body` holds the rows; it may have a role such as `rowgroup`. */
  constructor(source: RowSource, className: string, body: HTMLElement = el('div')) {
    this.#source = source;
    this.#spacer = el('div', { class: 'virtual-spacer', role: 'presentation' });
    this.#body = body;
    this.#body.classList.add('virtual-body');
    this.element = el('div', { class: `virtual ${className}` }, this.#spacer, this.#body);
    this.element.addEventListener('scroll', this.#draw, { passive: true });
    new ResizeObserver(this.#draw).observe(this.element);
  }

  /** How many rows there are. */
  get count(): number {
    return this.#count;
  }

  /** Sets how many rows there are, and draws them all anew. */
  set count(count: number) {
    this.#count = count;
    this.#spacer.style.height = `${Math.min(count * this.#source.rowHeight, TALLEST)}px`;
    this.refresh();
  }

  /** Rows that fit into the view. */
  get page(): number {
    return Math.max(1, Math.floor(this.element.clientHeight / this.#source.rowHeight));
  }

  /** Draws the rows in view anew, at once. */
  refresh(): void {
    for (const [index, row] of this.#shown) {
      if (index >= this.#count) this.#release(index, row);
      else this.#source.render(row, index);
    }
    this.#place();
  }

  /** The element of a row in view. */
  row(index: number): HTMLElement | null {
    return this.#shown.get(index) ?? null;
  }

  /** Scrolls no more than is needed to have the row in view, and draws it. */
  reveal(index: number): void {
    const { rowHeight } = this.#source;
    const rows = (this.element.clientHeight - PADDING) / rowHeight;
    const first = this.#first();
    if (index < first) this.#scroll(index);
    else if (index > first + rows - 1) this.#scroll(index + 1 - rows);
    this.#place();
  }

  /** Scrolls to the first row. */
  rewind(): void {
    this.element.scrollTop = 0;
    this.#place();
  }

  #scroll(first: number): void {
    const { scale } = this.#metrics();
    this.element.scrollTop = Math.max(0, first) * this.#source.rowHeight * scale;
  }

  /** The row at the upper edge, with the part of it that is hidden. */
  #first(): number {
    return this.element.scrollTop / (this.#source.rowHeight * this.#metrics().scale);
  }

  #metrics(): { scale: number } {
    const { clientHeight: height } = this.element;
    const full = this.#count * this.#source.rowHeight;
    const scale = full <= TALLEST ? 1 : (TALLEST - height) / (full - height);
    return { scale };
  }

  #place(): void {
    const { rowHeight, make, render } = this.#source;
    const { clientHeight: height, scrollTop } = this.element;
    const first = this.#first();
    const from = Math.max(0, Math.floor(first) - 1);
    const to = Math.min(this.#count, Math.ceil(first + height / rowHeight) + 1);
    for (const [index, row] of this.#shown) {
      if (index < from || index >= to) this.#release(index, row);
    }
    for (let index = from; index < to; index += 1) {
      let row = this.#shown.get(index);
      if (!row) {
        row = this.#spare.pop() ?? make();
        render(row, index);
        this.#shown.set(index, row);
        this.#body.append(row);
      }
      row.style.transform = `translateY(${scrollTop + (index - first) * rowHeight}px)`;
    }
  }

  #release(index: number, row: HTMLElement): void {
    this.#shown.delete(index);
    row.remove();
    this.#spare.push(row);
  }
}

/** Above the first row and below the last together, as in the style sheet. */
const PADDING = 12;
/** Below what any browser clamps at twice the density. */
const TALLEST = 8_000_000;
