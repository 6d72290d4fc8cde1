import { count, counted } from '../app/format.js';
import { el, fill, svg } from '../dom.js';
import type { MessageDetail } from '../model.js';
import { type TokenKind, tokenKind } from './deflate-facts.js';

/**
 * Where the back-references of a message point, drawn as arcs over a line: on its left what earlier messages left in the window, on its
 * right the message. Below, the blocks by the bits they take. A picture beside the tokens, which say the same in words.
 */
export class DeflateMap {
  readonly element: HTMLElement;
  readonly #arcs: SVGElement;
  readonly #blocks: HTMLElement;
  readonly #history: HTMLElement;
  readonly #message: HTMLElement;
  #paths = new Map<number, SVGElement>();
  #lit: SVGElement | null = null;

  constructor() {
    this.#arcs = svg('svg', { class: 'arcs', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    this.#history = el('span', { class: 'map-history' });
    this.#message = el('span', { class: 'map-message' });
    this.#blocks = el('ol', { class: 'map-blocks', 'aria-label': 'DEFLATE blocks, by the bits they take' });
    this.element = el('div', { class: 'deflate-map' }, this.#arcs, el('div', { class: 'map-line', 'aria-hidden': 'true' }, this.#history, this.#message), this.#blocks);
  }

  /** Draws a message. */
  show(message: MessageDetail): void {
    const length = Math.max(1, message.inflated?.data.length ?? 0);
    const reach = message.tokens.reduce((most, { distance, inflated }) => Math.max(most, distance === 0 ? 0 : distance - inflated[0]), 0);
    const split = reach === 0 ? 0 : Math.min(0.42, Math.max(0.16, reach / (reach + length)));
    const x = (offset: number): number =>
      WIDTH * (offset < 0 ? split * (1 + offset / reach) : split + (1 - split) * Math.min(1, offset / length));
    this.#paths = new Map();
    this.#lit = null;
    const longest = message.tokens
      .map((token, index) => ({ token, index }))
      .filter(({ token }) => token.distance > 0)
      .sort((one, other) => other.token.inflated[1] - other.token.inflated[0] - (one.token.inflated[1] - one.token.inflated[0]))
      .slice(0, MAX_ARCS);
    const ends = longest.map(({ token }): [number, number] => {
      const middle = (token.inflated[0] + token.inflated[1]) / 2;
      return [x(middle - token.distance), x(middle)];
    });
    const widest = Math.max(1, ...ends.map(([from, to]) => to - from));
    for (const [place, { token, index }] of longest.entries()) {
      const [from, to] = ends[place] ?? [0, 0];
      this.#paths.set(index, arc(from, to, (to - from) / widest, tokenKind(token), token.inflated[1] - token.inflated[0]));
    }
    this.#arcs.style.setProperty('--arc-opacity', Math.max(0.16, Math.min(0.75, 3 / Math.sqrt(longest.length + 1))).toFixed(2));
    fill(this.#arcs, ...this.#paths.values());
    this.#arcs.toggleAttribute('hidden', this.#paths.size === 0);
    this.#history.style.flexBasis = `${split * 100}%`;
    this.#history.hidden = split === 0;
    this.#history.textContent = reach === 0 ? '' : `earlier messages (${counted(reach, 'byte')} back)`;
    this.#message.textContent = `this message (${counted(message.inflated?.total ?? 0, 'byte')})`;
    fill(
      this.#blocks,
      ...message.blocks.map((block) => {
        const bits = block.bits[1] - block.bits[0];
        const what = `${block.kind}${block.last ? ', BFINAL' : ''}`;
        const tip = `${what}: ${counted(bits, 'bit')} for ${counted(block.inflated[1] - block.inflated[0], 'byte')}`;
        return el('li', { class: 'map-block', data: { kind: block.kind }, title: tip, style: { 'flex-grow': String(Math.max(bits, 1)) } }, `${what} `, el('small', { text: `${count(bits)} bits` }));
      }),
    );
  }

  /** Brings out the arc of a token. */
  light(index: number | null): void {
    this.#lit?.classList.remove('lit');
    this.#lit = index === null ? null : (this.#paths.get(index) ?? null);
    if (!this.#lit) return;
    this.#lit.classList.add('lit');
    this.#arcs.append(this.#lit);
  }
}

function arc(from: number, to: number, share: number, kind: TokenKind, size: number): SVGElement {
  // The height of a quadratic curve is half of its control point's.
  const rise = 14 + (HEIGHT * 1.9 - 14) * share ** 0.75;
  return svg('path', {
    class: 'arc',
    d: `M${from.toFixed(1)} ${HEIGHT}Q${((from + to) / 2).toFixed(1)} ${(HEIGHT - rise).toFixed(1)} ${to.toFixed(1)} ${HEIGHT}`,
    'stroke-width': Math.min(5, 1 + Math.log2(1 + size) / 3).toFixed(1),
    'data-kind': kind,
    'vector-effect': 'non-scaling-stroke',
  });
}

const WIDTH = 1000;
const HEIGHT = 90;
/** More are a blot. */
const MAX_ARCS = 400;
