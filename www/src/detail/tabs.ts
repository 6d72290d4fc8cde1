import { el } from '../dom.js';

/** One tab. */
export interface Tab {
  id: string;
  label: string;
  /** What it shows, in a few words: the tooltip. */
  title: string;
}

/** Tabs by the ARIA pattern: one tab stop, arrows move and choose, Home and End. */
export class Tabs {
  /** The list of tabs. */
  readonly list: HTMLElement;
  /** The panel, to be filled by whoever listens to `choose`. */
  readonly panel: HTMLElement;
  readonly #tabs: HTMLButtonElement[];
  readonly #choose: (id: string) => void;
  #chosen: string;

  constructor(label: string, tabs: Tab[], chosen: string, choose: (id: string) => void) {
    const prefix = `tab-${(serial += 1)}`;
    this.#choose = choose;
    this.#chosen = chosen;
    this.panel = el('div', { class: 'tab-panel', role: 'tabpanel', id: `${prefix}-panel` });
    this.#tabs = tabs.map(({ id, label: text, title }) =>
      el(
        'button',
        {
          type: 'button',
          role: 'tab',
          id: `${prefix}-${id}`,
          title,
          'aria-controls': this.panel.id,
          data: { tab: id },
          on: { click: () => this.choose(id) },
        },
        el('span', { class: 'tab-label', text }),
        el('small', { class: 'tab-note' }),
      ),
    );
    this.list = el('div', { class: 'byte-tabs', role: 'tablist', 'aria-label': label, on: { keydown: (event: KeyboardEvent) => this.#key(event) } }, ...this.#tabs);
    this.#update();
  }

  /** The chosen tab. */
  get chosen(): string {
    return this.#chosen;
  }

  /** Chooses a tab. */
  choose(id: string): void {
    this.#chosen = id;
    this.#update();
    this.#choose(id);
  }

  /** Sets the small words behind a tab's name, and whether there is something behind it; it can be chosen all the same. */
  note(id: string, note: string, empty = false): void {
    const tab = this.#tabs.find((candidate) => candidate.dataset.tab === id);
    if (!tab) return;
    (tab.lastElementChild as HTMLElement).textContent = note;
    tab.classList.toggle('vacant', empty);
  }

  #update(): void {
    for (const tab of this.#tabs) {
      const chosen = tab.dataset.tab === this.#chosen;
      tab.setAttribute('aria-selected', String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (chosen) this.panel.setAttribute('aria-labelledby', tab.id);
    }
  }

  #key(event: KeyboardEvent): void {
    const at = this.#tabs.findIndex((tab) => tab.dataset.tab === this.#chosen);
    const last = this.#tabs.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const tab = this.#tabs[to];
    if (!tab?.dataset.tab) return;
    tab.focus();
    this.choose(tab.dataset.tab);
  }
}

let serial = 0;
