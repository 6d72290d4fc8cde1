import { el, fill, icon, setText, svg } from '../dom.js';
import { openExportMenu } from './export.js';
import { bytes, counted, duration } from './format.js';
import { state } from './state.js';
import { setTheme, theme, type Theme } from './theme.js';

const themes: [Theme, string, string][] = [
  ['auto', 'Colours of the system', 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2ZM8 2.2V13.8M8 5.5h4.8M8 8h5.6M8 10.5h4.8'],
  ['light', 'Light', 'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM8 1.4v1.2M8 13.4v1.2M1.4 8h1.2M13.4 8h1.2M3.3 3.3l.9.9M11.8 11.8l.9.9M12.7 3.3l-.9.9M4.2 11.8l-.9.9'],
  ['dark', 'Dark', 'M13.2 9.8A5.8 5.8 0 0 1 6.2 2.8a5.8 5.8 0 1 0 7 7Z'],
];

const formats: Record<string, string> = { har: 'HAR', netlog: 'Chrome net-export', mitmproxy: 'mitmproxy flows', raw: 'raw stream', text: 'text' };

/** The fish of the page: drawn with one line, head to the left. */
export function mark(): SVGElement {
  return svg(
    'svg',
    { class: 'fish', viewBox: '0 0 24 24', width: '24', height: '24', 'aria-hidden': 'true' },
    svg('path', { d: 'M2 12C6 6 13 5.5 17 12c-4 6.5-11 6-15 0ZM17 12l5-4.5v9Z' }),
    svg('path', { d: 'M6.2 11v.1' }),
  );
}

/** The line at the top: whose page this is, what is open, how much it is, and what can be done with it. */
export class Header {
  readonly element: HTMLElement;
  #name = el('h1', { class: 'name' });
  #facts = el('p', { class: 'facts' });
  #save = el('button', { class: 'quiet save', type: 'button', 'aria-haspopup': 'menu', 'aria-label': 'Save as' }, icon('M8 2.5V10M4.8 7 8 10.2 11.2 7M3 13.3H13'), el('span', { text: 'Save as' }));
  #open = el('button', { class: 'open', type: 'button' }, icon('M2 12.8V3.5H6.2L7.7 5.2H14V12.8Z'), el('span', { text: 'Open' }));
  #home = el('button', { class: 'quiet brand', type: 'button', title: 'To the first page' }, mark(), el('span', { text: 'Sockeye' }));
  #themes: HTMLElement;

  constructor(open: () => void, home: () => void) {
    this.#themes = el('div', { class: 'switch themes', role: 'group', 'aria-label': 'Colours' });
    for (const [value, label, path] of themes) {
      this.#themes.append(
        el('button', { type: 'button', 'aria-label': label, title: label, 'aria-pressed': String(theme() === value), data: { theme: value }, on: { click: () => this.#choose(value) } }, icon(path)),
      );
    }
    const help = el('button', { class: 'quiet', type: 'button', 'aria-label': 'Help', title: 'Help (?)', on: { click: () => state.help() } }, icon('M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8ZM6.1 6.3c0-2.4 3.9-2.4 3.9 0 0 1.5-2 1.5-2 3M8 11.5v.1'));
    this.#open.addEventListener('click', open);
    this.#home.addEventListener('click', home);
    this.#save.addEventListener('click', () => openExportMenu(this.#save.getBoundingClientRect()));
    this.element = el('header', { class: 'top' }, this.#home, el('div', { class: 'what' }, this.#name, this.#facts), this.#save, this.#open, this.#themes, help);
    this.update();
  }

  /** Shows what is open now. */
  update(): void {
    const { progress } = state;
    this.#save.hidden = !progress || progress.frames === 0;
    this.#open.hidden = !progress;
    setText(this.#name, progress?.name ?? '');
    this.#name.hidden = !progress;
    document.title = progress ? `${progress.name} · Sockeye` : 'Sockeye: see and check every WebSocket frame';
    if (!progress) {
      fill(this.#facts);
      return;
    }
    const parts = [counted(progress.frames, 'frame'), counted(progress.connections, 'connection'), counted(progress.findings, 'finding')];
    if (!progress.done && !progress.live) parts.unshift(`${progress.total > 0 ? Math.floor((100 * progress.bytes) / progress.total) : 0} % read`);
    if (progress.duration > 0) parts.push(duration(progress.duration));
    if (!progress.live) parts.push(bytes(progress.total));
    if (progress.format) parts.push(formats[progress.format] ?? progress.format);
    const text = parts.join('  ·  ');
    if (this.#facts.textContent !== parts.join('')) fill(this.#facts, ...parts.map((part) => el('span', { text: part })));
    this.#facts.title = text;
  }

  #choose(value: Theme): void {
    setTheme(value);
    for (const button of this.#themes.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button.dataset.theme === value));
  }
}
