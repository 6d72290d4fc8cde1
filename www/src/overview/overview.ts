import { bytes, count, counted, duration } from '../app/format.js';
import { state } from '../app/state.js';
import { onTheme } from '../app/theme.js';
import { el, icon, perFrame, setText } from '../dom.js';
import { timeRange, withTimeRange, type TimeRange } from '../filter/terms.js';
import type { Histogram } from '../model.js';
import { draw, drawAxis, type Colours, type Geometry } from './draw.js';

const height = 76;
const bottom = 16;
const bucketWidth = 3;

/**
 * The capture over time: bytes in two lanes, control frames at their edges, violations. Dragging over it chooses a time range, which
 * becomes part of the filter; two sliders do the same from the keyboard. A click goes to the frame at that time.
 */
export class Overview extends HTMLElement {
  #canvas = el('canvas', { role: 'img', 'aria-label': 'Traffic over time' });
  #brush = el('div', { class: 'brush', hidden: true });
  #cursor = el('div', { class: 'cursor', hidden: true });
  #visible = el('div', { class: 'visible', hidden: true });
  #tip = el('p', { class: 'tip', hidden: true });
  #clear = el('button', { class: 'quiet clear', type: 'button', 'aria-label': 'Remove the time range from the filter', title: 'Remove the time range', hidden: true }, icon('M4 4 12 12M12 4 4 12'));
  #thumbs = {
    from: el('div', { class: 'thumb from', role: 'slider', tabindex: 0, 'aria-label': 'Beginning of the time range', 'aria-valuemin': 0 }),
    to: el('div', { class: 'thumb to', role: 'slider', tabindex: 0, 'aria-label': 'End of the time range', 'aria-valuemin': 0 }),
  };
  #stage = el('div', { class: 'stage' }, this.#canvas, this.#visible, this.#cursor, this.#brush, this.#thumbs.from, this.#thumbs.to, this.#clear, this.#tip);
  #probe = el('i', { class: 'probe', hidden: true, 'aria-hidden': 'true' });
  #width = 0;
  #histogram: Histogram | null = null;
  #range: TimeRange = { from: null, to: null };
  #drag: { pointer: number; from: number; to: number; moved: boolean } | null = null;
  #reading = false;
  #stale = false;
  #applyTimer = 0;
  #paint = perFrame(() => this.#paintNow());
  #remark = perFrame(() => {
    if (this.#histogram) this.#paintPlaces();
  });

  connectedCallback(): void {
    if (this.#canvas.isConnected) return;
    this.append(this.#stage, this.#probe);
    new ResizeObserver(() => {
      // Kept, because asking for it between two changes of style would lay out the page each time.
      this.#width = this.clientWidth;
      this.#refresh();
    }).observe(this);
    onTheme(() => this.#paint());
    const stage = this.#stage;
    stage.addEventListener('pointerdown', (event) => this.#down(event));
    stage.addEventListener('pointermove', (event) => this.#move(event));
    stage.addEventListener('pointerup', (event) => void this.#up(event));
    stage.addEventListener('pointercancel', () => this.#cancel());
    stage.addEventListener('pointerleave', () => (this.#tip.hidden = true));
    this.#clear.addEventListener('click', () => this.#choose({ from: null, to: null }, true));
    for (const side of ['from', 'to'] as const) this.#thumbs[side].addEventListener('keydown', (event) => this.#key(event, side));
    state.on('capture', () => {
      this.#histogram = null;
      this.#paint();
    });
    state.on('progress', () => this.#refresh());
    state.on('view', (view) => {
      this.#range = timeRange(view.filter);
      this.#paint();
    });
    state.on('cursor', () => this.#remark());
    state.on('visible', () => this.#remark());
  }

  /** Reads the histogram again; while one is being read, once more afterwards. */
  #refresh(): void {
    if (this.#reading) {
      this.#stale = true;
      return;
    }
    void this.#read();
  }

  async #read(): Promise<void> {
    const progress = state.progress;
    // Bytes without times, and a capture without frames, have nothing to show here.
    this.classList.toggle('blank', progress !== null && progress.done && (progress.frames === 0 || !(progress.duration > 0)));
    const { width, left } = this.#geometry();
    const buckets = Math.floor((width - left) / bucketWidth);
    if (!progress || progress.frames === 0 || buckets < 1) {
      this.#paint();
      return;
    }
    this.#reading = true;
    try {
      this.#histogram = await state.client.histogram(0, Math.max(progress.duration, 1e-6), buckets);
    } catch {
      this.#histogram = null;
    }
    this.#paint();
    // Reading goes on meanwhile; some pictures a second are enough.
    window.setTimeout(() => {
      this.#reading = false;
      if (this.#stale) {
        this.#stale = false;
        this.#refresh();
      }
    }, 200);
  }

  #geometry(): Geometry {
    const width = this.#width;
    return { width, height, left: width < 600 ? 0 : 60, bottom, bucket: bucketWidth };
  }

  #colours(): Colours {
    // A custom property is only a colour once it is used as one.
    const resolve = (name: string): string => {
      this.#probe.style.color = `var(${name})`;
      return getComputedStyle(this.#probe).color;
    };
    return {
      up: resolve('--up'), down: resolve('--down'), line: resolve('--line'), strong: resolve('--line-strong'),
      faint: resolve('--ink-faint'), violation: resolve('--violation'), control: resolve('--control-frame'),
    };
  }

  #paintNow(): void {
    const at = this.#geometry();
    if (at.width === 0) return;
    const ratio = devicePixelRatio || 1;
    const canvas = this.#canvas;
    if (canvas.width !== Math.round(at.width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(at.width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${at.width}px`;
      canvas.style.height = `${height}px`;
    }
    const context = canvas.getContext('2d');
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const histogram = this.#histogram;
    if (!histogram) {
      context.clearRect(0, 0, at.width, height);
      this.#brush.hidden = this.#cursor.hidden = this.#visible.hidden = this.#clear.hidden = true;
      this.#thumbs.from.hidden = this.#thumbs.to.hidden = true;
      return;
    }
    const colours = this.#colours();
    draw(context, histogram, at, colours);
    drawAxis(context, histogram.from, histogram.to, at, colours, `11px ${getComputedStyle(this).fontFamily}`);
    if (at.left > 0) {
      const middle = Math.round((height - bottom) / 2);
      context.textAlign = 'left';
      context.textBaseline = 'middle';
      context.fillStyle = colours.up;
      context.fillText('client →', 0, middle - 16);
      context.fillStyle = colours.down;
      context.fillText('← server', 0, middle + 18);
    }
    this.#paintMarks();
    this.#describe(histogram);
  }

  #paintMarks(): void {
    const range = this.#drag?.moved ? { from: Math.min(this.#drag.from, this.#drag.to), to: Math.max(this.#drag.from, this.#drag.to) } : this.#range;
    const chosen = range.from !== null || range.to !== null;
    const { from: first, to: last } = this.#span();
    const from = range.from ?? first;
    const to = range.to ?? last;
    this.#brush.hidden = !chosen;
    this.#put(this.#brush, from, to);
    this.#clear.hidden = !chosen || this.#drag !== null;
    this.#clear.style.left = `${Math.min(this.#x(to) + 2, this.#width - 26)}px`;
    for (const side of ['from', 'to'] as const) {
      const thumb = this.#thumbs[side];
      const value = side === 'from' ? from : to;
      thumb.hidden = false;
      thumb.style.left = `${this.#x(value)}px`;
      thumb.setAttribute('aria-valuemax', String(Number(last.toFixed(6))));
      thumb.setAttribute('aria-valuenow', String(Number(value.toFixed(6))));
      thumb.setAttribute('aria-valuetext', range[side] === null ? `not set, ${duration(value)}` : duration(value));
    }
    this.#paintPlaces();
  }

  /** Marks where the selected frame is, and the rows in sight. */
  #paintPlaces(): void {
    const cursor = state.cursor;
    this.#cursor.hidden = !Number.isFinite(cursor);
    if (!this.#cursor.hidden) this.#cursor.style.left = `${this.#x(cursor)}px`;
    const { from: top, to: end } = state.visible;
    this.#visible.hidden = !(Number.isFinite(top) && Number.isFinite(end));
    if (!this.#visible.hidden) this.#put(this.#visible, Math.min(top, end), Math.max(top, end), 3);
  }

  #put(element: HTMLElement, from: number, to: number, least = 1): void {
    const left = this.#x(from);
    element.style.left = `${left}px`;
    element.style.width = `${Math.max(least, this.#x(to) - left)}px`;
  }

  #describe(histogram: Histogram): void {
    const sum = (values: ArrayLike<number>): number => Array.prototype.reduce.call(values, (total: unknown, value: unknown) => Number(total) + Number(value), 0) as number;
    const bad = Array.prototype.filter.call(histogram.findings, (value: number) => value > 0).length;
    const text =
      `Traffic over ${duration(histogram.to - histogram.from)}: ${bytes(sum(histogram.up))} from the client, ${bytes(sum(histogram.down))} from the server, ` +
      `${counted(sum(histogram.controlUp) + sum(histogram.controlDown), 'control frame')}, violations at ${counted(bad, 'place')}.`;
    if (this.#canvas.getAttribute('aria-label') !== text) this.#canvas.setAttribute('aria-label', text);
  }

  #span(): { from: number; to: number } {
    return { from: this.#histogram?.from ?? 0, to: this.#histogram?.to ?? 1 };
  }

  #x(time: number): number {
    const { width, left } = this.#geometry();
    const { from, to } = this.#span();
    return left + Math.min(1, Math.max(0, (time - from) / (to - from))) * (width - left);
  }

  #time(event: PointerEvent): number {
    const { width, left } = this.#geometry();
    const { from, to } = this.#span();
    const x = event.clientX - this.getBoundingClientRect().left;
    return from + Math.min(1, Math.max(0, (x - left) / (width - left))) * (to - from);
  }

  get #step(): number {
    const histogram = this.#histogram;
    return histogram ? (histogram.to - histogram.from) / histogram.buckets : 1;
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0 || !this.#histogram || (event.target as Element).closest('button')) return;
    const time = this.#time(event);
    const thumb = (event.target as Element).closest('.thumb');
    const { from, to } = this.#span();
    // Who takes a handle keeps the other end.
    const fixed = thumb === this.#thumbs.from ? (this.#range.to ?? to) : thumb === this.#thumbs.to ? (this.#range.from ?? from) : time;
    this.#drag = { pointer: event.pointerId, from: fixed, to: time, moved: false };
    this.#stage.setPointerCapture(event.pointerId);
  }

  #move(event: PointerEvent): void {
    this.#point(event);
    const drag = this.#drag;
    if (!drag || drag.pointer !== event.pointerId) return;
    drag.to = this.#time(event);
    if (Math.abs(this.#x(drag.to) - this.#x(drag.from)) >= 4) drag.moved = true;
    this.#paint();
  }

  async #up(event: PointerEvent): Promise<void> {
    const drag = this.#drag;
    if (!drag || drag.pointer !== event.pointerId) return;
    this.#drag = null;
    if (drag.moved) this.#choose({ from: Math.min(drag.from, drag.to), to: Math.max(drag.from, drag.to) }, true);
    else await this.#goTo(this.#time(event));
    this.#paint();
  }

  #cancel(): void {
    this.#drag = null;
    this.#paint();
  }

  #point(event: PointerEvent): void {
    const histogram = this.#histogram;
    if (!histogram || event.pointerType === 'touch') return;
    const time = this.#time(event);
    const bucket = Math.min(histogram.buckets - 1, Math.floor((time - histogram.from) / this.#step));
    const bad = histogram.findings[bucket] ?? 0;
    const control = (histogram.controlUp[bucket] ?? 0) + (histogram.controlDown[bucket] ?? 0);
    const parts = [duration(time), `client ${bytes(histogram.up[bucket] ?? 0)}`, `server ${bytes(histogram.down[bucket] ?? 0)}`];
    if (control > 0) parts.push(`${count(control)} control`);
    if (bad > 0) parts.push(counted(bad, 'violation'));
    setText(this.#tip, parts.join('  ·  '));
    this.#tip.hidden = false;
    const x = this.#x(time);
    const right = x > this.#width / 2;
    this.#tip.style.left = right ? 'auto' : `${x + 10}px`;
    this.#tip.style.right = right ? `${this.#width - x + 10}px` : 'auto';
  }

  #key(event: KeyboardEvent, side: 'from' | 'to'): void {
    const { from, to } = this.#span();
    const now = this.#range[side] ?? (side === 'from' ? from : to);
    const by: Record<string, number> = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
    let value: number | null;
    if (event.key in by) value = now + (by[event.key] ?? 0) * this.#step;
    else if (event.key === 'Home') value = side === 'from' ? null : (this.#range.from ?? from);
    else if (event.key === 'End') value = side === 'to' ? null : (this.#range.to ?? to);
    else if (event.key === 'Delete' || event.key === 'Backspace' || event.key === 'Escape') value = null;
    else return;
    event.preventDefault();
    const range = { ...this.#range, [side]: value };
    if (range.from !== null && range.from <= from) range.from = null;
    if (range.to !== null && range.to >= to) range.to = null;
    if (range.from !== null && range.to !== null && range.from > range.to) range[side] = range[side === 'from' ? 'to' : 'from'];
    this.#choose(range, false);
  }

  /** Makes the range part of the filter: at once, or when the keys have come to rest. */
  #choose(range: TimeRange, now: boolean): void {
    this.#range = range;
    this.#paint();
    clearTimeout(this.#applyTimer);
    this.#applyTimer = window.setTimeout(
      () => {
        void state.setView({ filter: withTimeRange(state.view.filter, range, this.#step / 4) });
      },
      now ? 0 : 200,
    );
  }

  /** Selects the first row that is not before a time; rows are in the order of time. */
  async #goTo(time: number): Promise<void> {
    let low = 0;
    let high = state.count;
    if (high === 0) return;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [row] = await state.client.rows(middle, 1);
      if (!row) return;
      if (row.time < time) low = middle + 1;
      else high = middle;
    }
    const [row] = await state.client.rows(Math.min(low, state.count - 1), 1);
    if (row) state.select(row.number, 'overview', row.connection);
  }
}

customElements.define('sky-overview', Overview);
