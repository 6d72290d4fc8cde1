import { clock, count, offset, percent } from '../app/format.js';
import { el, setText, svg } from '../dom.js';
import type { Row, Severity } from '../model.js';

/** What the column of times shows. */
export type TimeForm = 'start' | 'clock' | 'delta' | 'selected';

/** What the rows of one rendering share. */
export interface Context {
  form: TimeForm;
  /** Epoch milliseconds of the first packet. */
  start: number;
  /** Time of the selected frame. */
  selected: number;
  connections: boolean;
}

/** A column: its class, what its heading shows and says. */
export interface Column {
  name: string;
  label: string;
  spoken: string;
}

/** The columns in their order. */
export const columns: Column[] = [
  { name: 'mark', label: '', spoken: 'Worst finding' },
  { name: 'number', label: 'Frame', spoken: 'Frame number' },
  { name: 'connection', label: 'Conn', spoken: 'Connection' },
  { name: 'time', label: 'Time', spoken: 'Time' },
  { name: 'lane', label: '', spoken: 'Direction' },
  { name: 'type', label: 'Type', spoken: 'Type' },
  { name: 'flags', label: 'FIN RSV', spoken: 'FIN and RSV1 to RSV3' },
  { name: 'wire', label: 'Wire', spoken: 'Bytes on the wire' },
  { name: 'payload', label: 'Payload', spoken: 'Bytes of payload' },
  { name: 'ratio', label: 'Ratio', spoken: 'Compressed size as a part of the inflated one' },
  { name: 'preview', label: 'Content', spoken: 'Content' },
];

const marks: Record<Severity, string> = {
  violation: 'M8 1.5 14.5 8 8 14.5 1.5 8ZM8 4.8V8.6M8 11v.1',
  advice: 'M8 2.2 14.6 13.6H1.4ZM8 6.4V9.6M8 11.6v.1',
  information: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8ZM8 7.2V11.2M8 4.7v.1',
};

/** The icon of a severity: a diamond, a triangle, a circle. */
export function severityIcon(severity: Severity): SVGElement {
  return svg(
    'svg',
    { class: 'icon mark', viewBox: '0 0 16 16', width: '13', height: '13', 'aria-hidden': 'true', 'data-severity': severity },
    svg('path', { d: marks[severity] }),
  );
}

/** One of the elements that show a row of the list, whichever it is at the moment. */
export class RowView {
  readonly element: HTMLElement;
  /** The row that is shown; -1: none. */
  index = -1;
  #row: Row | undefined;
  #context: Context | undefined;
  #cells = new Map<string, HTMLElement>();
  #mark = svg('path', {});
  #markIcon: SVGElement;
  #type = el('span', { class: 'type' });
  #fin = el('b');
  #rsv = [el('b'), el('b'), el('b')] as const;

  constructor(id: string) {
    this.element = el('div', { class: 'row', role: 'row', id });
    for (const [place, column] of columns.entries()) {
      const cell = el('span', { class: column.name, role: 'gridcell', 'aria-colindex': place + 1 });
      this.#cells.set(column.name, cell);
      this.element.append(cell);
    }
    this.#markIcon = svg(
      'svg',
      { class: 'icon mark', viewBox: '0 0 16 16', width: '13', height: '13', 'aria-hidden': 'true' },
      this.#mark,
    );
    this.#cell('mark').append(this.#markIcon);
    this.#cell('lane').append(
      svg(
        'svg',
        { class: 'icon arrow', viewBox: '0 0 16 16', width: '14', height: '14', 'aria-hidden': 'true' },
        svg('path', { d: 'M2 8H13.5M9.5 4 13.5 8 9.5 12' }),
      ),
    );
    this.#cell('type').append(el('i', { class: 'thread', 'aria-hidden': 'true' }), this.#type);
    this.#cell('flags').append(this.#fin, ' ', ...this.#rsv);
  }

  /** Shows a row, or a place held for it while it is read. */
  fill(index: number, row: Row | undefined, context: Context): void {
    if (index === this.index && row === this.#row && context === this.#context) return;
    const element = this.element;
    if (index !== this.index) {
      this.index = index;
      // The heading is the first row.
      element.setAttribute('aria-rowindex', String(index + 2));
    }
    this.#context = context;
    const before = this.#row;
    this.#row = row;
    if (!row) {
      element.className = 'row waiting';
      element.setAttribute('aria-label', 'reading');
      element.setAttribute('aria-busy', 'true');
      for (const name of ['number', 'connection', 'time', 'wire', 'payload', 'ratio', 'preview']) setText(this.#cell(name), '');
      return;
    }
    if (!before) element.removeAttribute('aria-busy');
    const known = row.onRecord !== 'message';
    element.className = `row ${row.direction} ${kind(row)} ${row.fragment}${row.severity ? ` has-${row.severity}` : ''}`;
    setText(this.#cell('number'), count(row.number));
    setText(this.#cell('connection'), context.connections ? String(row.connection) : '');
    const time = timeOf(row, context);
    setText(this.#cell('time'), time);
    setText(this.#type, row.name);
    if (row.severity) this.#mark.setAttribute('d', marks[row.severity]);
    bit(this.#fin, known, row.fin, true);
    bit(this.#rsv[0], known, row.rsv1, false);
    bit(this.#rsv[1], known, row.rsv2, false);
    bit(this.#rsv[2], known, row.rsv3, false);
    setText(this.#cell('wire'), row.onRecord === 'message' ? '–' : count(row.wire));
    setText(this.#cell('payload'), count(row.payload));
    // What is inflated is the message, of which a fragment is only a part.
    const ratio = row.inflated && row.fragment === 'whole' ? percent(row.payload / row.inflated) : '';
    setText(this.#cell('ratio'), ratio);
    setText(this.#cell('preview'), row.preview);
    element.setAttribute('aria-label', words(row, time));
  }

  /** Where the row stands, in pixels below the heading. */
  place(top: number): void {
    this.element.style.transform = `translateY(${top}px)`;
  }

  /** Marks the row as the selected one. */
  select(selected: boolean): void {
    const value = String(selected);
    if (this.element.getAttribute('aria-selected') !== value) this.element.setAttribute('aria-selected', value);
  }

  #cell(name: string): HTMLElement {
    const cell = this.#cells.get(name);
    if (!cell) throw new Error(`the list has no column ${name}`);
    return cell;
  }
}

/** Writes a bit; one that is not as usual stands out. */
function bit(element: HTMLElement, known: boolean, set: boolean, usual: boolean): void {
  setText(element, known ? (set ? '1' : '0') : '–');
  element.className = known && set !== usual ? 'unusual' : '';
}

function kind(row: Row): string {
  switch (row.opcode) {
    case 0x0:
      return 'continuation-frame';
    case 0x1:
      return 'text-frame';
    case 0x2:
      return 'binary-frame';
    case 0x8:
      return 'close-frame';
    case 0x9:
    case 0xa:
      return 'control-frame';
    default:
      return 'reserved-frame';
  }
}

function timeOf(row: Row, context: Context): string {
  switch (context.form) {
    case 'start':
      return offset(row.time);
    case 'clock':
      return clock(context.start, row.time);
    case 'delta':
      return offset(row.delta);
    case 'selected': {
      const since = row.time - context.selected;
      return Number.isFinite(since) ? `${since > 0 ? '+' : since < 0 ? '−' : ''}${offset(Math.abs(since))}` : offset(row.time);
    }
  }
}

function words(row: Row, time: string): string {
  const who = row.direction === 'c2s' ? 'client to server' : 'server to client';
  const parts = [`frame ${row.number}`, who, row.name, `${row.payload} bytes`];
  if (row.onRecord !== 'message') {
    if (!row.fin) parts.push('FIN 0');
    if (row.rsv1) parts.push('RSV1');
    if (row.rsv2) parts.push('RSV2');
    if (row.rsv3) parts.push('RSV3');
  }
  if (row.severity) parts.push(row.severity);
  parts.push(`time ${time}`);
  if (row.preview) parts.push(row.preview);
  return parts.join(', ');
}
