import type { Mode } from '../model.js';
import type { Pane } from './state.js';

/** What the address says of the view: never anything of a capture. */
export interface Place {
  sample?: string;
  /** The token of a recording under way. */
  live?: string;
  frame?: number;
  filter?: string;
  mode?: Mode;
  pane?: Pane;
}

const modes: readonly string[] = ['frames', 'messages', 'control'];
const panes: readonly string[] = ['frame', 'connection', 'findings'];

/** Reads the address; what does not make sense is left out. */
export function readHash(hash = location.hash): Place {
  const terms = new URLSearchParams(hash.replace(/^#/, ''));
  const place: Place = {};
  const text = (name: 'sample' | 'live' | 'filter'): void => {
    const value = terms.get(name);
    if (value) place[name] = value;
  };
  text('sample');
  text('live');
  text('filter');
  const frame = Number(terms.get('frame') ?? Number.NaN);
  if (Number.isSafeInteger(frame) && frame >= 0) place.frame = frame;
  const mode = terms.get('mode');
  if (mode && modes.includes(mode)) place.mode = mode as Mode;
  const pane = terms.get('pane');
  if (pane && panes.includes(pane)) place.pane = pane as Pane;
  return place;
}

/** Writes a place as an address: only what differs from the ordinary view. */
export function writeHash(place: Place): string {
  const terms = new URLSearchParams();
  for (const [name, value] of Object.entries(place)) {
    if (value === undefined || value === '' || (name === 'mode' && value === 'frames') || (name === 'pane' && value === 'frame')) continue;
    terms.set(name, String(value));
  }
  const text = terms.toString();
  return text === '' ? '' : `#${text}`;
}
