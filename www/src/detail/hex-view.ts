import { el, setText } from '../dom.js';
import type { Bytes } from '../model.js';
import { hex, printable, spoken } from './literals.js';
import { VirtualRows } from './virtual-rows.js';

/** Bytes and what is known of each. */
export interface HexContent {
  bytes: Bytes;
  /** The tint of a byte; `null`: none. */
  tone?(offset: number): string | null;
  /** What a byte is, such as `payload data`, for its label. */
  describe?(offset: number): string;
}

/** What a {@link HexView} tells. */
export interface HexEvents {
  /** The pointer is on a byte, or left. */
  hover(offset: number | null): void;
  /** The cursor is on a byte, or a range is selected: its beginning and end. */
  select(start: number, end: number): void;
  /** Somebody asked to copy what is selected. */
  copy(): void;
}

/**
 * Bytes in hexadecimal and ASCII, for any number of them. A grid with one tab stop: arrows move the cursor, with Shift they select; a
 * byte gets its label when the cursor is on it.
 */
export class HexView {
  /** The grid. */
  readonly element: HTMLElement;
  readonly #rows: VirtualRows;
  readonly #events: HexEvents;
  readonly #id: string;
  #content: HexContent = EMPTY;
  #columns = 16;
  #cursor = 0;
  #anchor = 0;
  #selected = false;
  #marked: [number, number] = [0, 0];
  #hovered: number | null = null;

  constructor(label: string, events: HexEvents) {
    this.#events = events;
    this.#id = `hex-${(serial += 1)}`;
    const body = el('div', { role: 'rowgroup' });
    this.#rows = new VirtualRows({ rowHeight: ROW, make, render: (row, index) => this.#render(row, index) }, 'hex', body);
    this.element = this.#rows.element;
    // Focus stays on the grid, so that it survives the recycling of rows.
    this.element.tabIndex = 0;
    this.element.role = 'grid';
    this.element.ariaLabel = label;
    this.element.ariaMultiSelectable = 'true';
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.element.addEventListener('pointermove', (event) => this.#move(event));
    this.element.addEventListener('pointerleave', () => this.#hover(null));
    this.element.addEventListener('pointerdown', (event) => this.#press(event));
    this.element.addEventListener('focus', () => this.#announce());
    new ResizeObserver(([entry]) => this.#fit(entry?.contentRect.width ?? 0)).observe(this.element);
  }

  /** The range that is selected, or `null`. */
  get selection(): [number, number] | null {
    if (!this.#selected) return null;
    return [Math.min(this.#anchor, this.#cursor), Math.max(this.#anchor, this.#cursor) + 1];
  }

  /** Shows other bytes, with the cursor on the first. */
  show(content: HexContent): void {
    this.#content = content;
    this.#cursor = 0;
    this.#anchor = 0;
    this.#selected = false;
    this.#marked = [0, 0];
    this.#hovered = null;
    this.#layout();
    this.#rows.rewind();
  }

  /** Marks bytes, or none with an empty range; scrolls to the first where `reveal` is set. */
  mark(start: number, end: number, reveal: boolean): void {
    if (this.#marked[0] === start && this.#marked[1] === end) return;
    this.#marked = [start, end];
    if (reveal && start < end && start < this.#length) this.#rows.reveal(Math.floor(start / this.#columns));
    this.#rows.refresh();
  }

  /** Puts the cursor on a byte. */
  moveTo(offset: number, extend = false): void {
    if (this.#length === 0) return;
    this.#cursor = Math.max(0, Math.min(this.#length - 1, offset));
    if (!extend) this.#anchor = this.#cursor;
    this.#selected = true;
    this.#rows.reveal(Math.floor(this.#cursor / this.#columns));
    this.#rows.refresh();
    this.#announce();
    const [start, end] = this.selection ?? [0, 0];
    this.#events.select(start, end);
  }

  get #length(): number {
    return this.#content.bytes.data.length;
  }

  #layout(): void {
    const rows = Math.ceil(this.#length / this.#columns);
    this.element.setAttribute('aria-rowcount', String(rows));
    this.element.setAttribute('aria-colcount', String(this.#columns + 1));
    this.element.dataset.columns = String(this.#columns);
    this.element.classList.toggle('hex-empty', rows === 0);
    this.#rows.count = rows;
  }

  #fit(width: number): void {
    const columns = width > 0 && width < NARROW ? 8 : 16;
    if (columns === this.#columns) return;
    this.#columns = columns;
    this.#layout();
  }

  #render(row: HTMLElement, index: number): void {
    const { bytes } = this.#content;
    const from = index * this.#columns;
    const cells = row.children;
    row.setAttribute('aria-rowindex', String(index + 1));
    (cells[0] as HTMLElement).textContent = from.toString(16).padStart(this.#length > 0xffff ? 8 : 4, '0');
    const [start, end] = this.selection ?? [0, 0];
    for (let column = 0; column < 16; column += 1) {
      const cell = cells[column + 1] as HTMLElement;
      const char = cells[column + 17] as HTMLElement;
      const offset = from + column;
      const beyond = column >= this.#columns || offset >= this.#length;
      cell.hidden = column >= this.#columns;
      char.hidden = column >= this.#columns;
      if (beyond) {
        cell.className = 'hex-byte';
        char.className = 'hex-char';
        cell.textContent = '';
        char.textContent = '';
        for (const name of ['id', 'aria-label', 'aria-selected', 'data-at', 'data-tone']) cell.removeAttribute(name);
        char.removeAttribute('data-at');
        char.removeAttribute('data-tone');
        continue;
      }
      const byte = bytes.data[offset] ?? 0;
      const missing = isMissing(bytes, offset);
      const marked = offset >= this.#marked[0] && offset < this.#marked[1];
      const selected = offset >= start && offset < end;
      const tone = this.#content.tone?.(offset) ?? '';
      let state = '';
      if (missing) state += ' missing';
      if (marked) {
        state += ' marked';
        if (offset === this.#marked[0] || column === 0) state += ' mark-start';
        if (offset === this.#marked[1] - 1 || column === this.#columns - 1) state += ' mark-end';
      }
      if (selected) state += ' selected';
      if (this.#selected && offset === this.#cursor) state += ' current';
      if (offset === this.#hovered) state += ' hovered';
      setClass(cell, `hex-byte${state}`);
      setClass(char, `hex-char${state}${byte < 0x20 || byte >= 0x7f ? ' control' : ''}`);
      setText(cell, missing ? '··' : hex(byte));
      setText(char, missing ? ' ' : printable(byte));
      setAttribute(cell, 'data-at', String(offset));
      setAttribute(char, 'data-at', String(offset));
      setAttribute(cell, 'data-tone', tone);
      setAttribute(char, 'data-tone', tone);
      setAttribute(cell, 'aria-selected', String(selected));
      setAttribute(cell, 'id', offset === this.#cursor ? `${this.#id}-${offset}` : '');
      setAttribute(cell, 'aria-label', offset === this.#cursor ? this.#label(offset) : '');
    }
  }

  #label(offset: number): string {
    const { bytes, describe } = this.#content;
    const byte = bytes.data[offset] ?? 0;
    const what = describe?.(offset);
    const value = isMissing(bytes, offset) ? 'not captured' : `${hex(byte)}, ${spoken(byte)}`;
    return `byte ${offset}: ${value}${what ? `, ${what}` : ''}`;
  }

  #announce(): void {
    if (this.#length === 0) {
      this.element.removeAttribute('aria-activedescendant');
      return;
    }
    this.element.setAttribute('aria-activedescendant', `${this.#id}-${this.#cursor}`);
  }

  #key(event: KeyboardEvent): void {
    if (this.#length === 0 || event.altKey) return;
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key === 'c') {
      event.preventDefault();
      this.#events.copy();
      return;
    }
    if (control && event.key === 'a') {
      event.preventDefault();
      this.#anchor = 0;
      this.moveTo(this.#length - 1, true);
      return;
    }
    const to = this.#target(event.key, control);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.moveTo(to, event.shiftKey);
  }

  #target(key: string, control: boolean): number | null {
    const columns = this.#columns;
    const row = this.#cursor - (this.#cursor % columns);
    switch (key) {
      case 'ArrowLeft':
        return this.#cursor - 1;
      case 'ArrowRight':
        return this.#cursor + 1;
      case 'ArrowUp':
        return this.#cursor < columns ? this.#cursor : this.#cursor - columns;
      case 'ArrowDown':
        return this.#cursor + columns >= this.#length ? this.#cursor : this.#cursor + columns;
      case 'PageUp':
        return this.#cursor - columns * this.#rows.page;
      case 'PageDown':
        return this.#cursor + columns * this.#rows.page;
      case 'Home':
        return control ? 0 : row;
      case 'End':
        return control ? this.#length - 1 : row + columns - 1;
      default:
        return null;
    }
  }

  #at(event: PointerEvent): number | null {
    const at = (event.target as HTMLElement).closest<HTMLElement>('[data-at]')?.dataset.at;
    return at === undefined ? null : Number(at);
  }

  #move(event: PointerEvent): void {
    const offset = this.#at(event);
    if (event.buttons === 1 && offset !== null && event.pointerType === 'mouse' && offset !== this.#cursor) {
      this.moveTo(offset, true);
      return;
    }
    this.#hover(offset);
  }

  #press(event: PointerEvent): void {
    const offset = this.#at(event);
    if (offset === null || event.button !== 0) return;
    this.moveTo(offset, event.shiftKey);
  }

  #hover(offset: number | null): void {
    if (offset === this.#hovered) return;
    this.#hovered = offset;
    this.#events.hover(offset);
    this.#rows.refresh();
  }
}

function make(): HTMLElement {
  const row = el('div', { class: 'hex-row', role: 'row' }, el('span', { class: 'hex-offset', role: 'rowheader' }));
  for (let column = 0; column < 16; column += 1) row.append(el('span', { class: 'hex-byte', role: 'gridcell', 'aria-colindex': column + 2 }));
  for (let column = 0; column < 16; column += 1) row.append(el('span', { class: 'hex-char', 'aria-hidden': 'true' }));
  return row;
}

/** Sets an attribute where it differs: most of a row stays as it is from one drawing to the next. An empty value removes it. */
function setAttribute(element: HTMLElement, name: string, value: string): void {
  if ((element.getAttribute(name) ?? '') === value) return;
  if (value === '') element.removeAttribute(name);
  else element.setAttribute(name, value);
}

function setClass(element: HTMLElement, value: string): void {
  if (element.className !== value) element.className = value;
}

/** Whether the capture lacks this byte. */
export function isMissing(bytes: Bytes, offset: number): boolean {
  return bytes.missing.some(([start, end]) => offset >= start && offset < end);
}

const ROW = 22;
/** Sixteen bytes and their characters need this many pixels. */
const NARROW = 560;
const EMPTY: HexContent = { bytes: { data: new Uint8Array(), total: 0, missing: [] } };
let serial = 0;
