import { count, counted, percent } from '../app/format.js';
import { el, fill } from '../dom.js';
import type { MessageDetail, Token } from '../model.js';
import { type TokenKind, deflateFacts, tokenKind } from './deflate-facts.js';
import { DeflateMap } from './deflate-map.js';
import { type TokenText, tokenText } from './token-text.js';

/** What a {@link DeflateView} tells: inflated bytes, an empty range when none is meant any more; `held`: by click or keyboard. */
type Mark = (start: number, end: number, held: boolean) => void;

/**
 * How a message was compressed: its blocks, its literals, its back-references and where each points, those into earlier messages
 * apart. A list box with one tab stop.
 */
export class DeflateView {
  readonly element: HTMLElement;
  readonly #facts = el('p', { class: 'deflate-facts' });
  readonly #bar = el('div', { class: 'deflate-bar', 'aria-hidden': 'true' });
  readonly #shares = el('ul', { class: 'deflate-shares', 'aria-label': 'Where the bytes come from' });
  readonly #map = new DeflateMap();
  readonly #tokens: HTMLElement;
  readonly #line = el('p', { class: 'deflate-line', 'aria-live': 'polite' });
  readonly #mark: Mark;
  readonly #id: string;
  #message: MessageDetail | null = null;
  #text: TokenText = { text: '', at: new Uint32Array(1) };
  #cursor = 0;

  constructor(mark: Mark) {
    this.#mark = mark;
    this.#id = `token-${(serial += 1)}`;
    this.#tokens = el('div', { class: 'tokens', role: 'listbox', tabindex: '0', 'aria-label': 'Literals and back-references', 'aria-orientation': 'horizontal' });
    this.element = el('div', { class: 'deflate' }, this.#facts, this.#bar, this.#shares, this.#map.element, this.#line, this.#tokens);
    this.#tokens.addEventListener('pointerover', (event) => this.#hover(event));
    this.#tokens.addEventListener('pointerleave', () => this.#leave());
    this.#tokens.addEventListener('click', (event) => this.#press(event));
    this.#tokens.addEventListener('keydown', (event) => this.#key(event));
    this.#tokens.addEventListener('focus', () => this.#point(this.#cursor, true));
  }

  /** Whether the tokens of a message are few enough to be shown one by one. */
  static canShow(message: MessageDetail): boolean {
    return message.inflated !== null && message.tokens.length > 0 && message.tokens.length <= MAX_TOKENS;
  }

  /** Shows a message for which `canShow` is true. */
  show(message: MessageDetail): void {
    this.#message = message;
    this.#cursor = 0;
    const data = message.inflated?.data ?? new Uint8Array();
    const shown = Math.min(data.length, message.tokens.at(-1)?.inflated[1] ?? 0);
    this.#text = tokenText(data.subarray(0, shown), message.opcode === 1);
    const facts = deflateFacts(message);
    const from = message.joined.total;
    const to = message.inflated?.total ?? 0;
    fill(
      this.#facts,
      el('strong', { text: `${counted(from, 'byte')} → ${counted(to, 'byte')}` }),
      to > 0 ? ` (${percent(from / to)} of its size) in ${counted(message.blocks.length, 'block')}` : '',
      facts.farthest > 0 ? `, farthest reference ${counted(facts.farthest, 'byte')} back` : ', no back-references',
      facts.complete ? '.' : `. The first ${count(message.tokens.length)} tokens are shown.`,
    );
    const all = Math.max(1, facts.bytes.literal + facts.bytes.copy + facts.bytes.earlier);
    fill(this.#bar, ...KINDS.map(([kind]) => el('span', { data: { kind }, style: { 'flex-grow': String(facts.bytes[kind] / all) } })));
    fill(
      this.#shares,
      ...KINDS.map(([kind, label]) =>
        el(
          'li',
          { data: { kind }, class: facts.tokens[kind] === 0 ? 'faint' : '' },
          el('span', { class: 'swatch', 'aria-hidden': 'true' }),
          el('span', { text: label }),
          ' ',
          el('strong', { text: percent(facts.bytes[kind] / all) }),
          el('small', { text: ` ${counted(facts.bytes[kind], 'byte')}` }),
        ),
      ),
    );
    this.#map.show(message);
    fill(this.#tokens, ...message.tokens.map((token, index) => this.#token(token, index)));
    this.#say(null);
  }

  /** Marks the tokens that stand for some inflated bytes. */
  mark(start: number, end: number): void {
    for (const [index, token] of (this.#message?.tokens ?? []).entries()) {
      this.#tokens.children[index]?.classList.toggle('marked', token.inflated[0] < end && start < token.inflated[1]);
    }
  }

  #token(token: Token, index: number): HTMLElement {
    const [start, end] = token.inflated;
    return el('span', {
      class: 'token',
      role: 'option',
      id: `${this.#id}-${index}`,
      'aria-selected': 'false',
      data: { kind: tokenKind(token), index },
      text: this.#text.text.slice(this.#text.at[start], this.#text.at[end]),
    });
  }

  #index(event: Event): number | null {
    const index = (event.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset.index;
    return index === undefined ? null : Number(index);
  }

  #hover(event: Event): void {
    const index = this.#index(event);
    if (index !== null) this.#point(index, false);
  }

  #leave(): void {
    if (document.activeElement === this.#tokens) {
      this.#point(this.#cursor, true);
      return;
    }
    this.#say(null);
    this.#mark(0, 0, false);
  }

  #press(event: Event): void {
    const index = this.#index(event);
    if (index !== null) this.#point(index, true);
  }

  #key(event: KeyboardEvent): void {
    const last = (this.#message?.tokens.length ?? 1) - 1;
    const to = { ArrowRight: this.#cursor + 1, ArrowDown: this.#cursor + 1, ArrowLeft: this.#cursor - 1, ArrowUp: this.#cursor - 1, Home: 0, End: last }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.#point(Math.max(0, Math.min(last, to)), true);
    this.#tokens.children[this.#cursor]?.scrollIntoView({ block: 'nearest' });
  }

  #point(index: number, held: boolean): void {
    const token = this.#message?.tokens[index];
    if (!token) return;
    if (held) {
      this.#tokens.children[this.#cursor]?.setAttribute('aria-selected', 'false');
      this.#cursor = index;
      this.#tokens.children[index]?.setAttribute('aria-selected', 'true');
      this.#tokens.setAttribute('aria-activedescendant', `${this.#id}-${index}`);
    }
    this.#say(index);
    this.#mark(token.inflated[0], token.inflated[1], held);
  }

  #say(index: number | null): void {
    const token = index === null ? undefined : this.#message?.tokens[index];
    this.#map.light(index);
    this.#showSource(token);
    if (!token) {
      fill(this.#line, 'Point at a piece of text to see its bits, and where a back-reference copies from.');
      return;
    }
    const bits = token.bits[1] - token.bits[0];
    const length = token.inflated[1] - token.inflated[0];
    const spent = `${counted(bits, 'bit')} for ${counted(length, 'byte')}`;
    if (token.distance === 0) {
      fill(this.#line, el('strong', { text: length === 1 ? 'Literal' : 'Literals' }), `: ${spent}, written out.`);
      return;
    }
    const source = token.inflated[0] - token.distance;
    const where =
      source >= 0
        ? `bytes ${count(source)}–${count(Math.min(source + length, token.inflated[0]) - 1)} of this message`
        : `an earlier message, ${counted(-source, 'byte')} before this one begins`;
    fill(
      this.#line,
      el('strong', { text: 'Back-reference' }),
      `: length ${count(length)}, distance ${count(token.distance)}; copies from ${where}. ${spent}.`,
    );
  }

  /** Underlines what a back-reference copies, where it lies in this message. */
  #showSource(token: Token | undefined): void {
    if (!('highlights' in CSS)) return;
    CSS.highlights.delete('deflate-source');
    if (!token || token.distance === 0) return;
    const start = Math.max(0, token.inflated[0] - token.distance);
    const end = Math.min(token.inflated[0] - token.distance + token.inflated[1] - token.inflated[0], token.inflated[0]);
    if (start >= end) return;
    const from = this.#place(start);
    const to = this.#place(end);
    if (!from || !to) return;
    const range = new Range();
    range.setStart(...from);
    range.setEnd(...to);
    CSS.highlights.set('deflate-source', new Highlight(range));
  }

  /** The text node and the place in it of an inflated byte. */
  #place(offset: number): [Node, number] | null {
    const tokens = this.#message?.tokens ?? [];
    const index = tokens.findIndex(({ inflated }) => inflated[0] <= offset && offset < inflated[1]);
    const token = tokens[index];
    const node = this.#tokens.children[index]?.firstChild;
    if (!token || !node) return null;
    return [node, (this.#text.at[offset] ?? 0) - (this.#text.at[token.inflated[0]] ?? 0)];
  }
}

const KINDS: [TokenKind, string][] = [
  ['literal', 'literals, written out'],
  ['copy', 'copied from this message'],
  ['earlier', 'copied from earlier messages'],
];
/** Beyond this the browser takes long to lay them out. */
const MAX_TOKENS = 6_000;
let serial = 0;
