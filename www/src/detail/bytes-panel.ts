import { bytes as size, count, counted, from, percent } from '../app/format.js';
import { type Highlight, type Space, state } from '../app/state.js';
import { el, fill, setText } from '../dom.js';
import type { Bytes, FrameDetail, MessageDetail } from '../model.js';
import { DecoderBar } from './decoder-bar.js';
import { DeflateView } from './deflate-view.js';
import { type Field, fieldAt } from './fields.js';
import { HexView, isMissing } from './hex-view.js';
import { LITERALS, type Literal, hex, literal, printable } from './literals.js';
import { provenance } from './provenance.js';
import { carry } from './ranges.js';
import { Tabs } from './tabs.js';
import { DecodedTree } from './tree.js';

/** Which bytes the panel shows. */
export type TabId = 'wire' | 'unmasked' | 'inflated' | 'message' | 'decoded';

/** What the panel asks of the element it is part of. */
export interface PanelHost {
  /** Marks a range in every view; `null`: nothing any more. `held`: it stays when the pointer leaves. */
  mark(highlight: Highlight | null, held: boolean): void;
  /** Another tab is shown; the message may have to be read for it. */
  chosen(tab: TabId): void;
  /** The message is wanted as a decoder understands it; `null`: the likeliest. */
  decodeWith(decoder: string | null): void;
}

/** The bytes of a frame and of its message: wire, unmasked, inflated, message, decoded. */
export class BytesPanel {
  readonly element: HTMLElement;
  readonly #host: PanelHost;
  readonly #tabs: Tabs;
  readonly #hex: HexView;
  readonly #deflate: DeflateView;
  readonly #tree: DecodedTree;
  readonly #note = el('p', { class: 'panel-note' });
  readonly #text = el('pre', { class: 'panel-text', role: 'region', tabindex: '0', 'aria-label': 'Message as text' });
  readonly #decoderBar: DecoderBar;
  readonly #forms = el('div', { class: 'switch', role: 'group', 'aria-label': 'Show as' });
  readonly #kind = el('select', { 'aria-label': 'Copy as' }, ...LITERALS.map((kind) => el('option', { value: kind, text: kind })));
  readonly #where = el('p', { class: 'provenance' });
  readonly #byte = el('p', { class: 'byte-line mono' });
  #detail: FrameDetail | null = null;
  #message: MessageDetail | null = null;
  #fields: Field[] = [];
  #base: number | null = null;
  #space: Space = 'wire';
  #form: Record<'inflated' | 'message', 'picture' | 'bytes'> = { inflated: 'picture', message: 'picture' };

  constructor(host: PanelHost) {
    this.#host = host;
    this.#hex = new HexView('Bytes in hexadecimal', {
      hover: (at) => (at === null ? host.mark(null, false) : this.#point(at, at + 1, false)),
      select: (start, end) => this.#point(start, end, true),
      copy: () => void this.copy(),
    });
    this.#deflate = new DeflateView((start, end, held) => this.#pointIn('inflated', start, end, held));
    this.#tree = new DecodedTree((start, end, held) => this.#pointIn(this.#contentSpace, start, end, held));
    this.#tabs = new Tabs('Bytes', TABS, 'wire', (id) => {
      this.#draw();
      host.chosen(id as TabId);
    });
    this.#decoderBar = new DecoderBar({ decodeWith: (decoder) => host.decodeWith(decoder), find: (text, step) => this.#tree.find(text, step) });
    const tools = el(
      'div',
      { class: 'panel-tools' },
      this.#kind,
      el('button', { type: 'button', class: 'quiet', text: 'Copy', title: 'Copy the selected bytes, or all', on: { click: () => void this.copy() } }),
      el('button', { type: 'button', class: 'quiet', text: 'Save', title: 'Save these bytes to a file', on: { click: () => this.#save() } }),
    );
    this.element = el(
      'section',
      { class: 'detail-bytes', 'aria-label': 'Bytes' },
      el('div', { class: 'panel-bar' }, this.#tabs.list),
      this.#tabs.panel,
      el('footer', { class: 'panel-foot' }, el('div', { class: 'panel-lines' }, this.#byte, this.#where), tools),
    );
  }

  /** The tab that is shown. */
  get tab(): TabId {
    return this.#tabs.chosen as TabId;
  }

  /** Whether the tab that is shown needs the message. */
  get needsMessage(): boolean {
    return this.tab === 'inflated' || this.tab === 'message' || this.tab === 'decoded';
  }

  /** Shows a frame; its message comes later. */
  show(detail: FrameDetail, fields: Field[]): void {
    this.#detail = detail;
    this.#message = null;
    this.#fields = fields;
    this.#base = detail.row.number === detail.message ? 0 : null;
    this.#tabs.note('wire', size(detail.wire.total), detail.wire.total === 0);
    this.#tabs.note('unmasked', size(detail.unmasked.total), detail.unmasked.total === 0);
    this.#tabs.note('inflated', detail.row.inflated === null ? '' : size(detail.row.inflated), !detail.row.compressed);
    this.#tabs.note('message', '', false);
    this.#tabs.note('decoded', '', false);
    this.#draw();
  }

  /** Shows the frame's message. `base`: where the frame's payload begins in it, if that is known. */
  showMessage(message: MessageDetail, base: number | null, pinned: string | null): void {
    this.#message = message;
    this.#base = base;
    this.#tabs.note('inflated', message.inflated ? size(message.inflated.total) : '', message.inflated === null);
    this.#tabs.note('message', size((message.inflated ?? message.joined).total));
    this.#tabs.note('decoded', message.decoded?.decoder ?? '', message.decoded === null);
    const { connection, direction } = this.#detail?.row ?? { connection: 0, direction: 'c2s' };
    this.#decoderBar.show(message, pinned, `what the ${from(direction)} sends on connection ${count(connection)}`);
    if (this.needsMessage) this.#draw();
  }

  /** Says that the message cannot be read. */
  showFailure(reason: string): void {
    if (this.needsMessage) fill(this.#tabs.panel, el('p', { class: 'panel-note', text: reason }));
  }

  /** Marks a range in whatever is shown, and says where its bytes come from. */
  mark(highlight: Highlight | null, reveal: boolean): void {
    const detail = this.#detail;
    if (!detail) return;
    const here = highlight && carry(highlight, this.#space, detail, this.#message, this.#base);
    this.#hex.mark(here?.start ?? 0, here?.end ?? 0, reveal);
    const content = highlight && carry(highlight, this.#contentSpace, detail, this.#message, this.#base);
    if (this.tab === 'decoded') this.#tree.mark(content?.start ?? 0, content?.end ?? 0, reveal);
    if (this.tab === 'inflated' && this.#contentSpace === 'inflated') this.#deflate.mark(content?.start ?? 0, content?.end ?? 0);
    const wire = highlight && carry(highlight, 'wire', detail, this.#message, this.#base);
    const [start, end] = wire ? [wire.start, wire.end] : [0, detail.wire.total || 1];
    const places = provenance(detail, start, end);
    setText(this.#where, places.length > MAX_PLACES ? `${places.slice(0, MAX_PLACES).join('; ')}; and ${places.length - MAX_PLACES} more pieces` : places.join('; '));
    setText(this.#byte, here ? this.#describe(here.start, here.end) : '');
  }

  /** Copies what is selected, or all that is shown. */
  async copy(): Promise<void> {
    const bytes = this.#bytes;
    if (!bytes) return;
    const selection = this.#hex.selection;
    const some = selection && selection[1] - selection[0] > 1 ? bytes.data.subarray(...selection) : bytes.data;
    const kind = this.#kind.value as Literal;
    await navigator.clipboard.writeText(literal(kind, some));
    state.say(`Copied ${counted(some.length, 'byte')} as ${kind}.`);
  }

  get #contentSpace(): Space {
    return (this.#message?.inflated ?? null) === null && !this.#detail?.row.compressed ? 'message' : 'inflated';
  }

  /** What is in the message: inflated where it was compressed. */
  get #content(): Bytes | null {
    return this.#message && (this.#message.inflated ?? this.#message.joined);
  }

  get #bytes(): Bytes | null {
    if (!this.#detail) return null;
    if (this.tab === 'wire') return this.#detail.wire;
    return this.tab === 'unmasked' ? this.#detail.unmasked : this.#content;
  }

  #draw(): void {
    const detail = this.#detail;
    if (!detail) return;
    const { panel } = this.#tabs;
    const focused = document.activeElement;
    panel.dataset.tab = this.tab;
    switch (this.tab) {
      case 'wire':
        this.#space = 'wire';
        this.#drawBytes(detail.wire, 'The bytes on the wire are not on record.', (at) => this.#tone(at), (at) => fieldAt(this.#fields, at)?.label ?? '');
        break;
      case 'unmasked':
        this.#space = 'unmasked';
        this.#drawBytes(detail.unmasked, detail.row.payload === 0 ? 'The frame has no payload.' : 'The payload is not on record.');
        break;
      default:
        if (this.#message) this.#drawMessage(this.#message);
        else fill(panel, el('p', { class: 'panel-note', text: 'Reading the message …' }));
    }
    this.mark(state.highlighted, true);
    // What is put back into the panel has lost the focus on the way.
    if (focused instanceof HTMLElement && focused !== document.activeElement && panel.contains(focused)) focused.focus({ preventScroll: true });
  }

  #drawMessage(message: MessageDetail): void {
    this.#space = this.#contentSpace;
    const { panel } = this.#tabs;
    const content = message.inflated ?? message.joined;
    if (this.tab === 'decoded') {
      this.#drawDecoded(message, content);
      return;
    }
    if (this.tab === 'inflated' && message.inflated === null) {
      const reason = message.inflateError ?? 'The message is not compressed.';
      fill(panel, el('p', { class: 'panel-note', text: reason }));
      return;
    }
    const tab = this.tab === 'inflated' ? 'inflated' : 'message';
    const picture = tab === 'inflated' ? DeflateView.canShow(message) : message.opcode === 1;
    if (picture) this.#drawForms(tab, tab === 'inflated' ? 'Tokens' : 'Text');
    const error = message.inflateError ? el('p', { class: 'panel-note trouble', text: message.inflateError }) : null;
    const bar = picture ? el('div', { class: 'panel-sub' }, this.#forms) : null;
    if (picture && this.#form[tab] === 'picture') {
      if (tab === 'inflated') {
        this.#deflate.show(message);
        fill(panel, bar, error, this.#deflate.element);
      } else {
        setText(this.#text, new TextDecoder().decode(content.data.subarray(0, MAX_TEXT)));
        fill(panel, bar, error, this.#text, content.total > MAX_TEXT ? el('p', { class: 'panel-note', text: `The first ${counted(MAX_TEXT, 'byte')} of ${count(content.total)}; the bytes have them all.` }) : null);
      }
      return;
    }
    this.#drawBytes(content, 'The message is empty.');
    const note =
      tab === 'inflated' && message.tokens.length > 0
        ? `${counted(message.tokens.length, 'token')} are too many to show one by one. ${counted(message.joined.total, 'byte')} became ${counted(content.total, 'byte')} (${percent(message.joined.total / Math.max(1, content.total))}).`
        : null;
    if (error) panel.prepend(error);
    if (bar) panel.prepend(bar);
    if (note && !picture) panel.prepend(el('p', { class: 'panel-note', text: note }));
  }

  #drawDecoded(message: MessageDetail, content: Bytes): void {
    const { panel } = this.#tabs;
    const { decoded } = message;
    this.#hex.show({ bytes: content });
    const notes = [decoded?.error, decoded?.truncated ? 'Only the first nodes are shown.' : null].filter((note) => note != null);
    this.#tree.show(decoded?.nodes ?? []);
    fill(
      panel,
      this.#decoderBar.element,
      ...notes.map((text) => el('p', { class: 'panel-note trouble', text })),
      el('div', { class: 'decoded-body' }, decoded ? this.#tree.element : null, content.data.length > 0 ? this.#hex.element : null),
    );
  }

  #drawForms(tab: 'inflated' | 'message', picture: string): void {
    fill(
      this.#forms,
      ...(['picture', 'bytes'] as const).map((form) =>
        el('button', {
          type: 'button',
          'aria-pressed': String(this.#form[tab] === form),
          text: form === 'picture' ? picture : 'Bytes',
          on: {
            click: () => {
              this.#form[tab] = form;
              this.#draw();
              this.#forms.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus();
            },
          },
        }),
      ),
    );
  }

  #drawBytes(bytes: Bytes, none: string, tone?: (at: number) => string | null, describe?: (at: number) => string): void {
    const { panel } = this.#tabs;
    if (bytes.data.length === 0) {
      setText(this.#note, none);
      fill(panel, this.#note);
      return;
    }
    this.#hex.show({ bytes, ...(tone && { tone }), ...(describe && { describe }) });
    const rest = bytes.total - bytes.data.length;
    setText(this.#note, rest > 0 ? `The first ${counted(bytes.data.length, 'byte')} of ${count(bytes.total)}.` : '');
    fill(panel, this.#hex.element, rest > 0 ? this.#note : null);
  }

  #tone(at: number): string | null {
    const field = fieldAt(this.#fields, at);
    if (!field || field.tone === 'payload') return null;
    // Two fields or more share the first two bytes; each shows the one that says most.
    return at === 0 ? 'opcode' : field.tone;
  }

  #point(start: number, end: number, held: boolean): void {
    this.#pointIn(this.#space, start, end, held);
  }

  #pointIn(space: Space, start: number, end: number, held: boolean): void {
    const frame = this.#detail?.row.number;
    if (frame === undefined) return;
    this.#host.mark(start < end ? { frame, space, start, end } : null, held);
  }

  /** One byte in several notations, or how many are marked. */
  #describe(start: number, end: number): string {
    const bytes = this.#space === 'wire' ? this.#detail?.wire : this.#space === 'unmasked' ? this.#detail?.unmasked : this.#content;
    if (!bytes || !this.#detail) return '';
    if (end - start > 1) return `bytes ${count(start)}–${count(end - 1)} (${count(end - start)})`;
    if (isMissing(bytes, start)) return `byte ${count(start)}: not captured`;
    const byte = bytes.data[start] ?? 0;
    const parts = [`byte ${count(start)}: 0x${hex(byte)} = ${byte} = ${byte.toString(2).padStart(8, '0')}`];
    if (byte >= 0x20 && byte < 0x7f) parts.push(`'${printable(byte)}'`);
    const unmasking = this.#unmasking(start, byte);
    if (unmasking) parts.push(unmasking);
    return parts.join('  ');
  }

  #unmasking(at: number, byte: number): string | null {
    const { header, row } = this.#detail ?? {};
    const key = header?.maskingKey?.replace(/[^0-9a-f]/giu, '');
    if (this.#space !== 'wire' || !row?.masked || !key || !header || at < header.length) return null;
    const mask = Number.parseInt(key.slice(((at - header.length) % 4) * 2).slice(0, 2), 16);
    const plain = byte ^ mask;
    return `⊕ ${hex(mask)} = ${hex(plain)}${plain >= 0x20 && plain < 0x7f ? ` '${printable(plain)}'` : ''}`;
  }

  #save(): void {
    const bytes = this.#bytes;
    if (!bytes || !this.#detail) return;
    const url = URL.createObjectURL(new Blob([bytes.data as Uint8Array<ArrayBuffer>]));
    el('a', { href: url, download: `frame-${this.#detail.row.number}-${this.tab}.bin` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

const TABS: { id: TabId; label: string; title: string }[] = [
  { id: 'wire', label: 'Wire', title: 'The frame as it was on the wire' },
  { id: 'unmasked', label: 'Unmasked', title: 'The payload of the frame without its mask' },
  { id: 'inflated', label: 'Inflated', title: 'How the message was compressed' },
  { id: 'message', label: 'Message', title: 'The content of the whole message' },
  { id: 'decoded', label: 'Decoded', title: 'What the content means' },
];
const MAX_TEXT = 65_536;
const MAX_PLACES = 3;
