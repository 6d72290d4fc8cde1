import { el } from '../dom.js';

/** One line of a menu. */
export interface Item {
  label: string;
  /** A few words after the label, in a softer colour. */
  hint?: string;
  run(): void;
}

/** A heading between items. */
export interface Heading {
  heading: string;
}

let open: { close(): void } | null = null;

/**
 * Opens a menu beside a rectangle of the viewport: arrows, Home, End and first letters move in it, Escape, Tab and a click elsewhere
 * close it. The focus returns to where it was.
 */
export function openMenu(label: string, anchor: DOMRect, entries: (Item | Heading)[]): void {
  open?.close();
  const before = document.activeElement as HTMLElement | null;
  const buttons: HTMLButtonElement[] = [];
  const menu = el('div', { class: 'menu', role: 'menu', 'aria-label': label, tabindex: '-1' });
  for (const entry of entries) {
    if ('heading' in entry) {
      menu.append(el('p', { class: 'menu-heading', role: 'presentation', text: entry.heading }));
      continue;
    }
    const button = el(
      'button',
      { class: 'menu-item', type: 'button', role: 'menuitem', tabindex: '-1' },
      el('span', { text: entry.label }),
      entry.hint ? el('span', { class: 'faint', text: entry.hint }) : null,
    );
    button.addEventListener('click', () => {
      close();
      entry.run();
    });
    button.addEventListener('pointerenter', () => button.focus({ preventScroll: true }));
    buttons.push(button);
    menu.append(button);
  }

  const controller = new AbortController();
  const { signal } = controller;
  function close(): void {
    if (signal.aborted) return;
    controller.abort();
    open = null;
    const inside = menu.contains(document.activeElement);
    menu.remove();
    if (inside) before?.focus({ preventScroll: true });
  }
  open = { close };

  menu.addEventListener('keydown', (event) => {
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const go = (index: number): void => buttons[(index + buttons.length) % buttons.length]?.focus();
    if (event.key === 'ArrowDown') go(at + 1);
    else if (event.key === 'ArrowUp') go(at < 0 ? -1 : at - 1);
    else if (event.key === 'Home') go(0);
    else if (event.key === 'End') go(-1);
    else if (event.key === 'Escape' || event.key === 'Tab') close();
    else if (event.key.length === 1 && event.key !== ' ' && !event.ctrlKey && !event.metaKey) {
      const wanted = event.key.toLowerCase();
      const next = [...buttons.slice(at + 1), ...buttons.slice(0, at + 1)];
      next.find((button) => button.textContent?.toLowerCase().startsWith(wanted))?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener(
    'pointerdown',
    (event) => {
      if (!menu.contains(event.target as Node)) close();
    },
    { capture: true, signal },
  );
  window.addEventListener('blur', close, { signal });
  window.addEventListener('resize', close, { signal });

  document.body.append(menu);
  const { width, height } = menu.getBoundingClientRect();
  const left = Math.max(8, Math.min(anchor.left, innerWidth - width - 8));
  const under = anchor.bottom + 4;
  const top = under + height > innerHeight - 8 ? Math.max(8, anchor.top - height - 4) : under;
  menu.style.setProperty('left', `${left}px`);
  menu.style.setProperty('top', `${top}px`);
  buttons[0]?.focus({ preventScroll: true });
}
