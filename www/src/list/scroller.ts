/** Browsers cut elements that are higher: Firefox at 17.9 million pixels, Chromium at 16.7 million on a dense display. */
export const longest = 8_000_000;

/**
 * Where a list of any number of rows is scrolled to. The scroll bar belongs to a spacer of at most {@link longest} pixels; when the
 * rows need more, its position counts as a part of the whole, while small movements stay exact.
 */
export class Scroller {
  #rows = 0;
  #rowHeight: number;
  #viewport = 0;
  #top = 0;
  #bar = 0;

  constructor(rowHeight: number) {
    this.#rowHeight = rowHeight;
  }

  /** Number of rows. */
  get rows(): number {
    return this.#rows;
  }

  set rows(rows: number) {
    this.#rows = rows;
    this.top = this.#top;
  }

  /** Height of the visible part in pixels. */
  get viewport(): number {
    return this.#viewport;
  }

  set viewport(height: number) {
    this.#viewport = height;
    this.top = this.#top;
  }

  /** Pixels above the visible part, if every row had its full height. */
  get top(): number {
    return this.#top;
  }

  set top(top: number) {
    this.#top = Math.min(Math.max(top, 0), this.#range);
    this.#bar = this.exact ? this.#top : this.#range === 0 ? 0 : (this.#top / this.#range) * this.#barRange;
  }

  /** Height of the spacer. */
  get spacer(): number {
    return Math.min(this.#rows * this.#rowHeight, longest);
  }

  /** Whether a pixel of the scroll bar's way is a pixel of the list. */
  get exact(): boolean {
    return this.#rows * this.#rowHeight <= longest;
  }

  /** Where the scroll bar ought to be. */
  get bar(): number {
    return this.#bar;
  }

  /** First row that can be seen, even in part. */
  get first(): number {
    return Math.floor(this.#top / this.#rowHeight);
  }

  /** The row behind the last that can be seen. */
  get end(): number {
    return Math.min(this.#rows, Math.ceil((this.#top + this.#viewport) / this.#rowHeight));
  }

  /** Rows that fit as a whole, at least one. */
  get page(): number {
    return Math.max(1, Math.floor(this.#viewport / this.#rowHeight));
  }

  /** Whether the end of the list is in sight. */
  get atEnd(): boolean {
    return this.#top >= this.#range - 1;
  }

  /** Pixels from the top of the visible part to a row. */
  offset(row: number): number {
    return row * this.#rowHeight - this.#top;
  }

  /** The browser moved the scroll bar. A movement within the visible part moves by as many pixels, a longer one jumps. */
  barMoved(bar: number): void {
    if (Math.abs(bar - this.#bar) < 1) return;
    if (this.exact) {
      this.top = bar;
      return;
    }
    const way = bar - this.#bar;
    if (Math.abs(way) < this.#viewport && bar > 0 && bar < this.#barRange) {
      this.#top = Math.min(Math.max(this.#top + way, 0), this.#range);
    } else {
      this.#top = (bar / this.#barRange) * this.#range;
    }
    this.#bar = bar;
  }

  /** Scrolls no farther than it takes to show a row as a whole; with `centre`, to the middle when it was out of sight. */
  reveal(row: number, centre = false): void {
    const above = row * this.#rowHeight;
    const below = above + this.#rowHeight;
    if (above >= this.#top && below <= this.#top + this.#viewport) return;
    if (centre) this.top = above - (this.#viewport - this.#rowHeight) / 2;
    else if (above < this.#top) this.top = above;
    else this.top = below - this.#viewport;
  }

  get #range(): number {
    return Math.max(0, this.#rows * this.#rowHeight - this.#viewport);
  }

  get #barRange(): number {
    return Math.max(0, this.spacer - this.#viewport);
  }
}
