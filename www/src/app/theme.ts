/** Which colours the page has: those of the system, or always light or dark ones. */
export type Theme = 'auto' | 'light' | 'dark';

const key = 'sockeye-theme';
const changed = new EventTarget();

/** The chosen theme. */
export function theme(): Theme {
  const stored = remember(key);
  return stored === 'light' || stored === 'dark' ? stored : 'auto';
}

/** Chooses a theme, here and for later visits. */
export function setTheme(value: Theme): void {
  remember(key, value === 'auto' ? null : value);
  applyTheme();
}

/** Puts the chosen theme on the document. */
export function applyTheme(): void {
  const value = theme();
  if (value === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  changed.dispatchEvent(new Event('theme'));
}

/** Calls `listener` whenever colours change: by choice, or with the system. */
export function onTheme(listener: () => void): void {
  changed.addEventListener('theme', listener);
  for (const query of ['(prefers-color-scheme: dark)', '(prefers-contrast: more)', '(forced-colors: active)'])
    matchMedia(query).addEventListener('change', listener);
}

/**
 * Reads a setting of the page, or writes it when `value` is given (`null` forgets it). Only how the page looks is kept, never
 * anything of a capture; a browser that refuses to keep anything just forgets.
 */
export function remember(name: string, value?: string | null): string | null {
  try {
    if (value === undefined) return localStorage.getItem(name);
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // A page opened without storage works the same, only without memory.
  }
  return value ?? null;
}
