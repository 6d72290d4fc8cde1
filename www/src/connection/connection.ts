import { bytes, count, counted, duration, offset } from '../app/format.js';
import { state } from '../app/state.js';
import { el, fill } from '../dom.js';
import type { ConnectionDetail } from '../model.js';
import { closingSteps } from './closing.js';
import { ConnectionList } from './connection-list.js';
import { Handshake } from './handshake.js';
import { roundTripChart } from './round-trips.js';
import { statistics } from './statistics.js';
import './connection.css';

/** `<sky-connection>`: one connection: its handshake and the checks of it, what it cost, its round trips, how it ended. */
export class SkyConnection extends HTMLElement {
  readonly #list = new ConnectionList((number) => state.selectConnection(number));
  readonly #body = el('div', { class: 'connection-body' });
  #listening: AbortController | null = null;
  #turn = 0;
  #stale = true;

  connectedCallback(): void {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    fill(this, this.#list.element, this.#body);
    state.on('connection', () => this.#refresh(), signal);
    state.on('pane', () => this.#refresh(), signal);
    state.on('select', ({ frame }) => void this.#follow(frame), signal);
    state.on('capture', () => this.#refresh(), signal);
    state.on('progress', ({ done }) => done && this.#refresh(), signal);
    this.#refresh();
  }

  disconnectedCallback(): void {
    this.#listening?.abort();
    this.#listening = null;
  }

  /** Shows the connection of the selected frame. */
  async #follow(frame: number | null): Promise<void> {
    if (frame === null || state.pane !== 'connection') return;
    const { row } = await state.client.frame(frame);
    if (state.selected === frame) state.selectConnection(row.connection);
  }

  #refresh(): void {
    this.#stale = true;
    if (state.pane === 'connection' || this.dataset.always !== undefined) void this.#load();
  }

  async #load(): Promise<void> {
    if (!this.#stale) return;
    this.#stale = false;
    const turn = (this.#turn += 1);
    try {
      const all = await state.client.connections();
      const number = state.connection ?? (await this.#selected()) ?? 0;
      const detail = all.length > 0 ? await state.client.connection(Math.min(number, all.length - 1)) : null;
      if (turn !== this.#turn) return;
      this.#list.show(all, detail?.number ?? null);
      if (detail) this.#draw(detail);
      else fill(this.#body, el('p', { class: 'connection-none', text: 'No connection yet.' }));
    } catch (error) {
      if (turn === this.#turn) fill(this.#body, el('p', { class: 'connection-none', text: error instanceof Error ? error.message : String(error) }));
    }
  }

  async #selected(): Promise<number | null> {
    if (state.selected === null) return null;
    return (await state.client.frame(state.selected)).row.connection;
  }

  #draw(detail: ConnectionDetail): void {
    fill(
      this.#body,
      connectionHead(detail),
      section('Handshake', new Handshake(detail).element),
      section('Traffic', statistics(detail)),
      detail.rtt.count > 0 ? section('Round trips', roundTripChart(detail)) : null,
      section('End', closingSteps(detail)),
    );
  }
}

function connectionHead(detail: ConnectionDetail): HTMLElement {
  const fact = (name: string, value: string | null, mono = false): HTMLElement[] =>
    value === null ? [] : [el('dt', { text: name }), el('dd', { class: mono ? 'mono' : '', text: value })];
  const filter = `conn:${detail.number}`;
  return el(
    'header',
    { class: 'connection-head' },
    el(
      'div',
      { class: 'connection-title' },
      el('h2', { class: 'detail-title', text: `Connection ${count(detail.number)}` }),
      detail.target ? el('code', { class: 'connection-target', text: detail.target }) : null,
      el('button', { type: 'button', class: 'quiet', text: 'Only its frames', title: `Filter: ${filter}`, on: { click: () => void state.setView({ filter }) } }),
    ),
    detail.guessed
      ? el('p', { class: 'connection-guessed', text: 'The capture has no handshake of this connection: who is the client and what was agreed is guessed from the frames.' })
      : null,
    el(
      'dl',
      { class: 'connection-facts' },
      ...fact('Client', detail.client ?? 'not on record', detail.client !== null),
      ...fact('Server', detail.server ?? 'not on record', detail.server !== null),
      ...fact('Carried by', detail.security || 'TCP'),
      ...fact('Subprotocol', detail.subprotocol ?? 'none', detail.subprotocol !== null),
      ...fact('Compression', detail.deflate ?? 'none'),
      ...fact('Open', openTimes(detail)),
      ...fact('Size', `${counted(detail.frames, 'frame')}, ${bytes(detail.bytes)}`),
    ),
  );
}

function openTimes({ opened, last }: ConnectionDetail): string | null {
  if (!Number.isFinite(opened)) return null;
  return `${offset(opened)} s to ${offset(last)} s (${duration(last - opened)})`;
}

let serial = 0;

function section(title: string, content: HTMLElement): HTMLElement {
  const id = `connection-part-${(serial += 1)}`;
  return el('section', { class: 'connection-section', 'aria-labelledby': id }, el('h3', { id, text: title }), content);
}

customElements.define('sky-connection', SkyConnection);
