import { el } from '../dom.js';
import { remember } from './theme.js';

/** How two panes lie: side by side, or one below the other. */
export type Layout = 'side' | 'below';

const least = 20;
const most = 80;
const ordinary: Record<Layout, number> = { side: 55, below: 48 };

/**
 * A handle between two panes, which sets the part of the first in per cent as `--part` on `parent`. It is dragged, or moved with the
 * arrow keys, Home and End; Enter and a double click bring back the ordinary part.
 */
export class Splitter {
  readonly element = el('div', {
    class: 'splitter', role: 'separator', tabindex: 0, 'aria-label': 'Size of the list', 'aria-valuemin': least, 'aria-valuemax': most, 'aria-controls': 'list-pane',
  });
  #parent: HTMLElement;
  #layout: Layout = 'side';

  constructor(parent: HTMLElement) {
    this.#parent = parent;
    this.element.addEventListener('pointerdown', (event) => this.#drag(event));
    this.element.addEventListener('dblclick', () => this.#set(ordinary[this.#layout]));
    this.element.addEventListener('keydown', (event) => this.#key(event));
  }

  /** How the panes lie. */
  set layout(layout: Layout) {
    this.#layout = layout;
    this.element.setAttribute('aria-orientation', layout === 'side' ? 'vertical' : 'horizontal');
    this.#set(Number(remember(`sockeye-split-${layout}`)) || ordinary[layout]);
  }

  get #value(): number {
    return Number(this.element.getAttribute('aria-valuenow'));
  }

  #set(part: number): void {
    const value = Math.round(Math.min(most, Math.max(least, part)) * 10) / 10;
    this.element.setAttribute('aria-valuenow', String(value));
    this.#parent.style.setProperty('--part', `${value}%`);
    remember(`sockeye-split-${this.#layout}`, value === ordinary[this.#layout] ? null : String(value));
  }

  #drag(event: PointerEvent): void {
    if (event.button !== 0) return;
    event.preventDefault();
    const element = this.element;
    element.setPointerCapture(event.pointerId);
    element.classList.add('dragged');
    const box = this.#parent.getBoundingClientRect();
    const move = (moved: PointerEvent): void =>
      this.#set(this.#layout === 'side' ? ((moved.clientX - box.left) / box.width) * 100 : ((moved.clientY - box.top) / box.height) * 100);
    const end = (): void => {
      element.classList.remove('dragged');
      element.removeEventListener('pointermove', move);
    };
    element.addEventListener('pointermove', move);
    element.addEventListener('lostpointercapture', end, { once: true });
  }

  #key(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowLeft: -2, ArrowUp: -2, ArrowRight: 2, ArrowDown: 2, PageUp: -10, PageDown: 10 };
    if (event.key in steps) this.#set(this.#value + (steps[event.key] ?? 0));
    else if (event.key === 'Home') this.#set(least);
    else if (event.key === 'End') this.#set(most);
    else if (event.key === 'Enter') this.#set(ordinary[this.#layout]);
    else return;
    event.preventDefault();
  }
}
