import { state } from '../app/state.js';
import { el, fill, icon } from '../dom.js';
import type { FilterTerm } from '../model.js';
import './help.css';

/** `<sky-help>`: the dialog with the keys and the filter language. */
export class SkyHelp extends HTMLElement {
  readonly #terms = el('tbody');
  readonly #dialog: HTMLDialogElement;
  #listening: AbortController | null = null;

  constructor() {
    super();
    const close = el('button', { type: 'button', class: 'quiet', 'aria-label': 'Close the help', on: { click: () => this.#dialog.close() } }, icon('M4 4l8 8M12 4l-8 8'));
    this.#dialog = el(
      'dialog',
      { class: 'help', 'aria-labelledby': 'help-title' },
      el('header', { class: 'help-head' }, el('h2', { id: 'help-title', class: 'detail-title', text: 'Help' }), close),
      el(
        'div',
        { class: 'help-body', tabindex: '0', role: 'region', 'aria-label': 'Keys and filter' },
        el('div', { class: 'help-keys' }, ...KEYS.map(([title, keys]) => keyTable(title, keys))),
        el(
          'section',
          { class: 'help-filter', 'aria-labelledby': 'help-filter-title' },
          el('h3', { id: 'help-filter-title', text: 'Filter' }),
          el('p', { class: 'soft' }, 'Terms side by side all have to match; ', el('code', { text: 'or' }), ', ', el('code', { text: 'not' }), ' (or ', el('code', { text: '-' }), ') and parentheses combine them.'),
          el('table', { class: 'help-table' }, el('thead', { class: 'spoken' }, el('tr', null, el('th', { scope: 'col', text: 'Example' }), el('th', { scope: 'col', text: 'What it lets through' }))), this.#terms),
        ),
      ),
    ) as HTMLDialogElement;
    // A click on the backdrop has the dialog itself as its target.
    this.#dialog.addEventListener('click', (event) => event.target === this.#dialog && this.#dialog.close());
  }

  connectedCallback(): void {
    this.#listening = new AbortController();
    fill(this, this.#dialog);
    state.on('help', () => this.open(), this.#listening.signal);
  }

  disconnectedCallback(): void {
    this.#listening?.abort();
    this.#listening = null;
  }

  /** Opens the dialog. */
  open(): void {
    if (!this.#dialog.open) this.#dialog.showModal();
    if (!this.#terms.firstChild) void this.#load();
  }

  async #load(): Promise<void> {
    let terms: FilterTerm[];
    try {
      terms = await state.client.filterHelp();
    } catch {
      fill(this.#terms, el('tr', null, el('td', { colspan: '2', text: 'The terms cannot be read: the worker does not answer.' })));
      return;
    }
    fill(this.#terms, ...terms.map(({ name, example, help }) => el('tr', null, el('td', null, el('code', { title: name, text: example })), el('td', { text: help }))));
  }
}

function keyTable(title: string, keys: [string[], string][]): HTMLElement {
  const id = `help-${title.toLowerCase().replace(/\W+/gu, '-')}`;
  return el(
    'section',
    { 'aria-labelledby': id },
    el('h3', { id, text: title }),
    el(
      'dl',
      { class: 'help-list' },
      ...keys.flatMap(([names, what]) => [
        el('dt', null, ...names.flatMap((name, index) => [index > 0 ? ' ' : null, el('kbd', { text: name })])),
        el('dd', { text: what }),
      ]),
    ),
  );
}

const KEYS: [string, [string[], string][]][] = [
  [
    'In the list',
    [
      [['j', 'k', '↓', '↑'], 'next row, row before'],
      [['J', 'K', 'Shift ↓', 'Shift ↑'], 'the same, in the same direction'],
      [['n', 'N'], 'next finding, finding before'],
      [['p'], 'from a Ping to its Pong and back'],
      [['f'], 'fold or open the fragments of a message'],
      [[']', '['], 'next connection, connection before'],
      [['g'], 'go to a frame or a time'],
      [['/'], 'filter'],
      [['c'], 'copy the frame'],
      [['Enter'], 'to the details'],
      [['Esc'], 'back to the list'],
      [['?'], 'this help'],
    ],
  ],
  [
    'In the bits and bytes',
    [
      [['←', '→'], 'next field, or byte'],
      [['↑', '↓'], 'byte in the row above or below'],
      [['Shift', '+ arrows'], 'select bytes'],
      [['Home', 'End'], 'beginning and end of the row'],
      [['Ctrl Home', 'Ctrl End'], 'first and last byte'],
      [['Ctrl A'], 'select all bytes'],
      [['Ctrl C'], 'copy the selected bytes'],
    ],
  ],
  [
    'In the decoded tree',
    [
      [['→', '←'], 'open, close, to the child or parent'],
      [['Enter'], 'open or close'],
    ],
  ],
];

customElements.define('sky-help', SkyHelp);
