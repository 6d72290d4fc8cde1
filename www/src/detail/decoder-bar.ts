import { el, fill, setText } from '../dom.js';
import type { MessageDetail } from '../model.js';

/** What a {@link DecoderBar} asks for. */
export interface DecoderBarEvents {
  /** The message is wanted as this decoder understands it; `null`: the likeliest. */
  decodeWith(decoder: string | null): void;
  /** The next node with this text is wanted, or the one before; gives whether there is one. */
  find(text: string, step: 1 | -1): boolean;
}

/** What stands above the decoded tree: the decoder, its summary, and a field to search with. */
export class DecoderBar {
  readonly element: HTMLElement;
  readonly #decoder = el('select', { 'aria-label': 'Decoder' });
  readonly #scope = el('span', { class: 'decoder-scope' });
  readonly #summary = el('p', { class: 'decoded-summary' });
  readonly #search: HTMLInputElement;

  constructor(events: DecoderBarEvents) {
    this.#search = el('input', { type: 'search', class: 'decoder-find', placeholder: 'Find in the tree', 'aria-label': 'Find in the tree' });
    this.#search.addEventListener('input', () => this.#search.removeAttribute('aria-invalid'));
    this.#search.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || this.#search.value === '') return;
      event.preventDefault();
      this.#search.setAttribute('aria-invalid', String(!events.find(this.#search.value, event.shiftKey ? -1 : 1)));
    });
    this.#decoder.addEventListener('change', () => events.decodeWith(this.#decoder.value || null));
    this.element = el('div', { class: 'decoder-bar' }, el('label', null, 'Decode as ', this.#decoder), this.#scope, this.#search, this.#summary);
  }

  /** Offers the decoders for a message. `pinned` is the one chosen by hand, for everything that goes the way `scope` names. */
  show(message: MessageDetail, pinned: string | null, scope: string): void {
    const option = (name: string): HTMLElement => el('option', { value: name, text: name, selected: name === pinned });
    const others = DECODERS.filter((name) => !message.candidates.includes(name));
    fill(
      this.#decoder,
      el('option', { value: '', text: message.candidates[0] ? `best guess (${message.candidates[0]})` : 'best guess' }),
      ...message.candidates.map(option),
      el('optgroup', { label: 'Others' }, ...others.map(option)),
    );
    setText(this.#scope, pinned ? `for ${scope}` : '');
    setText(this.#summary, message.decoded ? message.decoded.summary : 'No decoder understands this message.');
    this.#search.hidden = (message.decoded?.nodes.length ?? 0) < 2;
  }
}

/** Every decoder, also those that would not be guessed. */
const DECODERS = [
  'JSON', 'MessagePack', 'CBOR', 'Protobuf', 'Engine.IO', 'Socket.IO', 'STOMP', 'SignalR', 'GraphQL-WS', 'MQTT', 'WAMP', 'SockJS', 'Action Cable',
  'OCPP', 'Phoenix', 'gzip', 'zlib', 'Zstandard', 'Text',
];
