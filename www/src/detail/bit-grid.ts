import { el, fill, setText } from '../dom.js';
import type { FrameDetail } from '../model.js';
import { counted } from '../app/format.js';
import { type Field, endByte, firstByte, sectionUrl } from './fields.js';
import { isMissing } from './hex-view.js';
import { hex, printable } from './literals.js';

/** A part of a field that lies in one row of the grid, in bits of the frame. */
interface Segment {
  field: Field;
  start: number;
  end: number;
  row: number;
}

/**
 * A frame as RFC 6455 §5.2 draws it: 32 bits a row (16 where there is little room), every field a cell with its bits, its name and what
 * it says. A list box with one tab stop; the sentence below is about the field that has the focus or the pointer.
 */
export class BitGrid {
  readonly element: HTMLElement;
  readonly #grid: HTMLElement;
  readonly #explanation: HTMLElement;
  readonly #mark: (start: number, end: number, held: boolean) => void;
  #detail: FrameDetail | null = null;
  #fields: Field[] = [];
  #columns = 32;
  #current = 0;
  #shown: string | null = null;
  #payloadRows = 3;

  /** `mark` is called with a range of bytes of the frame, an empty one when nothing is meant any more; `held`: by click or focus. */
  constructor(mark: (start: number, end: number, held: boolean) => void) {
    this.#mark = mark;
    const id = `bits-${(serial += 1)}`;
    this.#grid = el('div', { class: 'bits', role: 'listbox', 'aria-orientation': 'horizontal', 'aria-label': 'Fields of the frame' });
    this.#explanation = el('p', { class: 'bits-explanation', id });
    this.element = el('div', { class: 'bits-frame' }, this.#grid, this.#explanation);
    this.#grid.addEventListener('pointerover', (event) => this.#point(event));
    this.#grid.addEventListener('pointerleave', () => this.#leave());
    this.#grid.addEventListener('click', (event) => this.#press(event));
    this.#grid.addEventListener('keydown', (event) => this.#key(event));
    this.#grid.addEventListener('focusin', (event) => this.#focus(event));
    new ResizeObserver(([entry]) => this.#fit(entry?.contentRect.width ?? 0)).observe(this.element);
  }

  /** Draws a frame. */
  show(detail: FrameDetail, fields: Field[]): void {
    this.#detail = detail;
    this.#fields = fields;
    this.#current = Math.min(this.#current, Math.max(0, fields.length - 1));
    this.#draw();
    this.explain(null);
  }

  /** Sets how many rows of the payload there is room for. */
  set payloadRows(rows: number) {
    if (rows === this.#payloadRows) return;
    this.#payloadRows = rows;
    this.#draw();
  }

  /** Marks the fields and payload bytes that a range of the frame's bytes touches. */
  mark(start: number, end: number): void {
    for (const cell of this.#grid.querySelectorAll<HTMLElement>('[data-field]')) {
      const field = this.#fields.find(({ id }) => id === cell.dataset.field);
      const within = field !== undefined && start < end && firstByte(field) < end && start < endByte(field);
      const meant = within && (this.#shown === null || this.#shown === field.id || !sharesByte(this.#fields, field, this.#shown));
      const whole = meant && (field.bits <= 64 || (start <= firstByte(field) && endByte(field) <= end));
      cell.classList.toggle('marked', whole);
      cell.classList.toggle('touched', meant && !whole);
    }
    for (const cell of this.#grid.querySelectorAll<HTMLElement>('.touched [data-byte], .marked-byte')) {
      const at = Number(cell.dataset.byte);
      cell.classList.toggle('marked-byte', at >= start && at < end && cell.closest('.touched') !== null);
    }
  }

  /** Shows the sentence of a field, or with `null` the one about the whole frame. */
  explain(id: string | null): void {
    this.#shown = id;
    const field = this.#fields.find((candidate) => candidate.id === id);
    if (!field) {
      fill(this.#explanation, this.#detail ? summary(this.#detail) : '');
      return;
    }
    const address = sectionUrl(field.rfc, field.section);
    fill(
      this.#explanation,
      el('strong', { text: field.label }),
      ' ',
      el('span', { class: 'mono', text: field.value }),
      field.meaning ? ` ${field.meaning}` : '',
      ` – ${field.sentence} `,
      el('a', { href: address, target: '_blank', rel: 'noreferrer', text: `RFC ${field.rfc} §${field.section}` }),
    );
  }

  #fit(width: number): void {
    const columns = width > 0 && width < NARROW ? 16 : 32;
    if (columns === this.#columns) return;
    this.#columns = columns;
    this.#draw();
  }

  #draw(): void {
    const detail = this.#detail;
    if (!detail) return;
    const columns = this.#columns;
    this.#grid.dataset.columns = String(columns);
    const ruler = el('div', { class: 'bits-ruler', 'aria-hidden': 'true' });
    for (let bit = 0; bit < columns; bit += 1) ruler.append(el('span', { text: String(bit), data: { octet: bit % 8 === 0 } }));
    const { segments, rest } = segment(this.#fields, columns, this.#payloadRows);
    const cells = segments.map((part, index) => this.#cell(detail, part, segments[index - 1]?.field !== part.field, rest > 0 || segments[index + 1]?.field === part.field));
    const tail = rest > 0 ? this.#tail(segments, rest) : null;
    fill(this.#grid, ruler, ...cells, tail);
    this.#grid.hidden = this.#fields.length === 0;
  }

  #cell(detail: FrameDetail, part: Segment, begins: boolean, goesOn: boolean): HTMLElement {
    const { field } = part;
    const span = part.end - part.start;
    const index = this.#fields.indexOf(field);
    const cell = el('div', {
      class: `bits-cell${begins ? '' : ' continued'}${begins && !goesOn ? '' : ' split'}${field.onRecord ? '' : ' unknown'}`,
      data: { field: field.id, tone: field.tone, span: span === 1 ? 'one' : span <= 7 ? 'few' : 'many', long: field.meaning.length > 8 },
      style: {
        'grid-column': `${(part.start % this.#columns) + 1} / span ${span}`,
        'grid-row': String(part.row + 2),
        '--span': String(span),
      },
    });
    if (begins) {
      cell.setAttribute('role', 'option');
      cell.setAttribute('aria-selected', 'false');
      cell.setAttribute('tabindex', index === this.#current ? '0' : '-1');
      cell.setAttribute('aria-describedby', this.#explanation.id);
      cell.append(el('span', { class: 'spoken', text: `${field.label}, ${counted(field.bits, 'bit')}: ${field.value}${field.meaning ? `, ${field.meaning}` : ''}` }));
    } else {
      cell.setAttribute('aria-hidden', 'true');
    }
    const isBytes = field.bit % 8 === 0 && field.tone !== 'flag' && field.bits >= 16 && field.onRecord;
    cell.append(isBytes ? byteCells(detail, part) : bitCells(detail, part));
    if (begins) cell.append(...caption(field, span));
    else if (field.tone !== 'payload') cell.append(el('span', { class: 'bits-label', text: `${field.label} (continued)` }));
    return cell;
  }

  #tail(segments: Segment[], rest: number): HTMLElement {
    const last = segments.at(-1);
    const field = this.#fields.at(-1);
    return el(
      'div',
      {
        class: 'bits-cell bits-tail continued split',
        'aria-hidden': 'true',
        data: { field: field?.id ?? '', tone: field?.tone ?? 'payload' },
        style: { 'grid-column': '1 / -1', 'grid-row': String((last?.row ?? 0) + 3) },
      },
      el('span', { class: 'bits-label', text: `${field?.label ?? ''} continued: ${counted(rest, 'more byte')}` }),
    );
  }

  #point(event: Event): void {
    const target = event.target as HTMLElement;
    const id = target.closest<HTMLElement>('[data-field]')?.dataset.field;
    const field = this.#fields.find((candidate) => candidate.id === id);
    if (!field) return;
    this.explain(field.id);
    const byte = target.closest<HTMLElement>('[data-byte]')?.dataset.byte;
    if (byte !== undefined && field.bits > 64) this.#mark(Number(byte), Number(byte) + 1, false);
    else this.#mark(firstByte(field), endByte(field), false);
  }

  #leave(): void {
    const active = this.#grid.contains(document.activeElement) ? this.#fields[this.#current] : undefined;
    this.explain(active?.id ?? null);
    this.#mark(0, 0, false);
  }

  #press(event: Event): void {
    const id = (event.target as HTMLElement).closest<HTMLElement>('[data-field]')?.dataset.field;
    const index = this.#fields.findIndex((field) => field.id === id);
    if (index >= 0) this.#moveTo(index);
  }

  #key(event: KeyboardEvent): void {
    const last = this.#fields.length - 1;
    const to = { ArrowRight: this.#current + 1, ArrowDown: this.#current + 1, ArrowLeft: this.#current - 1, ArrowUp: this.#current - 1, Home: 0, End: last }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.#moveTo(Math.max(0, Math.min(last, to)));
  }

  #moveTo(index: number): void {
    this.#current = index;
    const option = this.#option(index);
    if (option === document.activeElement) this.#take(index);
    else option?.focus({ preventScroll: true });
  }

  #focus(event: Event): void {
    const id = (event.target as HTMLElement).dataset.field;
    const index = this.#fields.findIndex((field) => field.id === id);
    if (index >= 0) this.#take(index);
  }

  #take(index: number): void {
    this.#current = index;
    for (const [at, field] of this.#fields.entries()) {
      const option = this.#option(at);
      option?.setAttribute('tabindex', at === index ? '0' : '-1');
      option?.setAttribute('aria-selected', String(at === index));
      if (at === index) {
        this.explain(field.id);
        this.#mark(firstByte(field), endByte(field), true);
      }
    }
  }

  #option(index: number): HTMLElement | null {
    const id = this.#fields[index]?.id;
    return this.#grid.querySelector<HTMLElement>(`[role='option'][data-field='${id}']`);
  }
}

/** Cuts fields at the ends of rows; of the last field no more than some rows are drawn. */
function segment(fields: Field[], columns: number, payloadRows: number): { segments: Segment[]; rest: number } {
  const segments: Segment[] = [];
  let rest = 0;
  for (const field of fields) {
    let at = field.bit;
    let end = field.bit + field.bits;
    if (field === fields.at(-1) && field.bits > 64) {
      const room = (Math.floor(at / columns) + payloadRows * (columns === 32 ? 1 : 4 / 3)) * columns;
      rest = Math.max(0, Math.floor((end - room) / 8));
      end = Math.min(end, room);
    }
    while (at < end) {
      const row = Math.floor(at / columns);
      const stop = Math.min(end, (row + 1) * columns);
      segments.push({ field, start: at, end: stop, row });
      at = stop;
    }
  }
  return { segments, rest };
}

function bitCells({ wire }: FrameDetail, { field, start, end }: Segment): HTMLElement {
  const digits = el('span', { class: 'bits-digits', 'aria-hidden': 'true' });
  for (let bit = start; bit < end; bit += 1) {
    const at = Math.floor(bit / 8);
    const known = field.onRecord && at < wire.data.length && !isMissing(wire, at);
    const digit = known ? String(((wire.data[at] ?? 0) >> (7 - (bit % 8))) & 1) : headerBit(field, bit);
    digits.append(el('span', { text: digit, data: { set: digit === '1' } }));
  }
  return digits;
}

/** A bit of a field whose bytes are not on record, though its value is: the flags, the opcode, MASK. */
function headerBit(field: Field, bit: number): string {
  const value = Number(field.value);
  if (!field.onRecord || field.bits > 7 || Number.isNaN(value)) return '·';
  return String((value >> (field.bits - 1 - (bit - field.bit))) & 1);
}

function byteCells({ row: frame, wire, unmasked, header }: FrameDetail, { field, start, end }: Segment): HTMLElement {
  const row = el('span', { class: 'bits-bytes', 'aria-hidden': 'true' });
  for (let bit = start; bit < end; bit += 8) {
    const at = bit / 8;
    const missing = at >= wire.data.length || isMissing(wire, at);
    const byte = wire.data[at] ?? 0;
    const plain = unmasked.data[at - header.length];
    const cell = el('span', { class: missing ? 'missing' : '', data: { byte: at } }, el('span', { class: 'bits-hex', text: missing ? '··' : hex(byte) }));
    if (field.tone === 'payload' && !frame.compressed && !missing && plain !== undefined) {
      const shown = printable(plain);
      cell.append(el('span', { class: `bits-char${shown === '·' ? ' control' : ''}`, text: shown === ' ' ? '␣' : shown }));
    }
    row.append(cell);
  }
  return row;
}

function caption(field: Field, span: number): HTMLElement[] {
  if (span === 1) {
    const label = el('span', { class: 'bits-label stacked', 'aria-hidden': 'true' });
    // As the RFC does it: the letters of a narrow field stand one below the other.
    for (const letter of field.label) label.append(el('span', { text: letter }));
    return [label];
  }
  const label = el('span', { class: 'bits-label', 'aria-hidden': 'true', text: field.label });
  const value = el('span', { class: 'bits-value', 'aria-hidden': 'true' });
  if (field.tone === 'opcode') {
    value.append(el('strong', { text: field.meaning }), ` ${field.value}`);
  } else if (field.bits <= 64) {
    value.append(el('strong', { text: field.value }), field.meaning ? ` ${field.meaning}` : '');
  } else {
    const words = field.id === 'close-reason' ? [field.meaning] : [field.value, field.meaning];
    setText(label, [field.label, ...words].filter(Boolean).join(', '));
    return [label];
  }
  return field.id === 'masking-key' ? [label] : [label, value];
}

/** Whether two fields have a byte in common, as those of the first two bytes do. */
function sharesByte(fields: Field[], field: Field, id: string): boolean {
  const other = fields.find((candidate) => candidate.id === id);
  return other !== undefined && firstByte(other) < endByte(field) && firstByte(field) < endByte(other);
}

function summary({ row, header }: FrameDetail): string {
  if (row.onRecord === 'message') {
    return 'The source has messages, not frames: FIN, reserved bits, masking and lengths on the wire are not on record.';
  }
  if (row.onRecord === 'header') {
    return `A ${row.name} frame with ${counted(row.payload, 'byte')} of payload. The source has the fields of its header, and not its bytes.`;
  }
  const key = row.masked ? 4 : 0;
  const parts = [`${header.length - key} of header`];
  if (key) parts.push('4 of masking key');
  if (row.payload > 0) parts.push(`${row.payload.toLocaleString('en')} of payload`);
  return `${counted(row.wire, 'byte')} on the wire: ${parts.join(' + ')}.`;
}

/** Below this a bit is too narrow for its digit and its letters. */
const NARROW = 400;
let serial = 0;
