/** What a key does in the list. */
export type Action =
  | { kind: 'move'; by: number }
  | { kind: 'page'; by: number }
  | { kind: 'edge'; to: 1 | -1 }
  | { kind: 'find'; what: 'finding' | 'pong' | 'direction' | 'connection'; by: 1 | -1 }
  | { kind: 'fold' | 'filter' | 'goto' | 'copy' | 'help' | 'detail' | 'escape' };

const keys: Record<string, Action> = {
  ArrowDown: { kind: 'move', by: 1 },
  ArrowUp: { kind: 'move', by: -1 },
  j: { kind: 'move', by: 1 },
  k: { kind: 'move', by: -1 },
  J: { kind: 'find', what: 'direction', by: 1 },
  K: { kind: 'find', what: 'direction', by: -1 },
  PageDown: { kind: 'page', by: 1 },
  PageUp: { kind: 'page', by: -1 },
  ' ': { kind: 'page', by: 1 },
  Home: { kind: 'edge', to: -1 },
  End: { kind: 'edge', to: 1 },
  n: { kind: 'find', what: 'finding', by: 1 },
  N: { kind: 'find', what: 'finding', by: -1 },
  p: { kind: 'find', what: 'pong', by: 1 },
  ']': { kind: 'find', what: 'connection', by: 1 },
  '[': { kind: 'find', what: 'connection', by: -1 },
  f: { kind: 'fold' },
  '/': { kind: 'filter' },
  g: { kind: 'goto' },
  c: { kind: 'copy' },
  '?': { kind: 'help' },
  Enter: { kind: 'detail' },
  Escape: { kind: 'escape' },
};

/** What the key does while the list has the focus; `null`: nothing, it is left to the browser. */
export function action(event: KeyboardEvent): Action | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.shiftKey && event.key === 'ArrowDown') return { kind: 'find', what: 'direction', by: 1 };
  if (event.shiftKey && event.key === 'ArrowUp') return { kind: 'find', what: 'direction', by: -1 };
  if (event.shiftKey && event.key === ' ') return { kind: 'page', by: -1 };
  return keys[event.key] ?? null;
}
