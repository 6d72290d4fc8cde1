import { bytes, count, counted } from '../app/format.js';
import { VirtualRows } from '../detail/virtual-rows.js';
import { el, setText } from '../dom.js';
import type { ConnectionSummary } from '../model.js';

/** The connections of a capture to choose from, any number of them: a list box with one tab stop. */
export class ConnectionList {
  readonly element: HTMLElement;
  readonly #rows: VirtualRows;
  readonly #choose: (number: number) => void;
  #connections: ConnectionSummary[] = [];
  #cursor = 0;

  constructor(choose: (number: number) => void) {
    this.#choose = choose;
    this.#rows = new VirtualRows({ rowHeight: ROW, make, render: (row, index) => this.#render(row, index) }, 'connection-list', el('div', { role: 'presentation' }));
    this.element = this.#rows.element;
    this.element.tabIndex = 0;
    this.element.role = 'listbox';
    this.element.ariaLabel = 'Connections';
    this.element.addEventListener('click', (event) => this.#press(event));
    this.element.addEventListener('keydown', (event) => this.#key(event));
  }

  /** Shows these, with one of them chosen. One alone needs no list. */
  show(connections: ConnectionSummary[], chosen: number | null): void {
    this.#connections = connections;
    this.#cursor = Math.max(0, connections.findIndex(({ number }) => number === chosen));
    this.element.hidden = connections.length < 2;
    this.element.style.setProperty('--rows', String(Math.min(connections.length, MOST)));
    this.#rows.count = connections.length;
    this.#rows.reveal(this.#cursor);
    this.#announce();
  }

  #render(row: HTMLElement, index: number): void {
    const connection = this.#connections[index];
    if (!connection) return;
    const [number, target, addresses, size, findings] = row.children as unknown as HTMLElement[];
    row.id = `connection-option-${index}`;
    row.dataset.index = String(index);
    row.setAttribute('aria-selected', String(index === this.#cursor));
    row.setAttribute('aria-posinset', String(index + 1));
    row.setAttribute('aria-setsize', String(this.#connections.length));
    if (!number || !target || !addresses || !size || !findings) return;
    setText(number, count(connection.number));
    setText(target, connection.target ?? '(no handshake)');
    setText(addresses, connection.server ?? '');
    setText(size, `${counted(connection.frames, 'frame')}, ${bytes(connection.bytes)}`);
    setText(findings, connection.findings === 0 ? 'no findings' : counted(connection.findings, 'finding'));
    findings.dataset.severity = connection.worst ?? '';
  }

  #announce(): void {
    this.element.setAttribute('aria-activedescendant', `connection-option-${this.#cursor}`);
  }

  #moveTo(index: number): void {
    const connection = this.#connections[Math.max(0, Math.min(this.#connections.length - 1, index))];
    if (connection) this.#choose(connection.number);
  }

  #press(event: Event): void {
    const index = (event.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset.index;
    if (index !== undefined) this.#moveTo(Number(index));
  }

  #key(event: KeyboardEvent): void {
    const page = this.#rows.page;
    const to = {
      ArrowDown: this.#cursor + 1,
      ArrowUp: this.#cursor - 1,
      PageDown: this.#cursor + page,
      PageUp: this.#cursor - page,
      Home: 0,
      End: this.#connections.length - 1,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.#moveTo(to);
  }
}

function make(): HTMLElement {
  return el(
    'div',
    { class: 'connection-row', role: 'option' },
    el('span', { class: 'mono connection-number' }),
    el('span', { class: 'mono connection-path' }),
    el('span', { class: 'mono soft connection-address' }),
    el('span', { class: 'soft connection-size' }),
    el('span', { class: 'connection-worst' }),
  );
}

const ROW = 26;
/** Rows before it scrolls. */
const MOST = 6;
