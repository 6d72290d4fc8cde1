import { counted } from '../app/format.js';
import { state, type Origin } from '../app/state.js';
import { el, icon, perFrame } from '../dom.js';
import type { Row } from '../model.js';
import { openCopyMenu } from './copy.js';
import { goTo } from './goto.js';
import { action, type Action } from './keys.js';
import { columns, RowView, type Context, type TimeForm } from './row-view.js';
import { Rows } from './rows.js';
import { Scroller } from './scroller.js';

const rowHeight = 24;

/**
 * The list of frames: a grid of any number of rows, of which only those in sight exist. The focus stays on the grid, and
 * `aria-activedescendant` names the row of the selected frame, which is kept in the document wherever the list is scrolled to.
 */
export class FrameList extends HTMLElement {
  #scroller = new Scroller(rowHeight);
  #rows = new Rows(
    (from, count) => state.client.rows(from, count),
    () => this.#render(),
  );
  #views: RowView[] = [];
  #pinned = new RowView('row-pinned');
  #head = el('div', { class: 'row headings', role: 'row', 'aria-rowindex': 1 });
  #layer = el('div', { class: 'layer' });
  #spacer = el('div', { class: 'spacer' });
  #grid = el(
    'div',
    { class: 'grid', role: 'grid', tabindex: 0, 'aria-label': 'Frames', 'aria-colcount': columns.length, 'aria-rowcount': 1 },
    this.#head,
    this.#layer,
    this.#spacer,
  );
  #empty = el('p', { class: 'empty', hidden: true });
  #followButton = el(
    'button',
    { class: 'follow', type: 'button', hidden: true, on: { click: () => this.#follow() } },
    icon('M8 2.5V13M4 9.2 8 13.2 12 9.2'),
    'Follow new frames',
  );
  #active: number | null = null;
  #activeRow: Row | undefined;
  #context: Context = { form: 'start', start: Number.NaN, selected: Number.NaN, connections: false };
  #following = false;
  /** Whether nothing was told of the capture yet. */
  #fresh = true;
  #direction = 1;
  #turn = 0;
  #render = perFrame(() => this.#renderNow());

  connectedCallback(): void {
    if (this.#grid.isConnected) return;
    for (const [place, column] of columns.entries()) {
      this.#head.append(
        el(
          'span',
          { class: column.name, role: 'columnheader', 'aria-colindex': place + 1, title: column.spoken },
          el('span', { 'aria-hidden': column.label !== column.spoken, text: column.label }),
          column.label === column.spoken ? null : el('span', { class: 'spoken', text: column.spoken }),
        ),
      );
    }
    this.#pinned.element.hidden = true;
    this.#layer.append(this.#pinned.element);
    this.append(this.#grid, this.#empty, this.#followButton);

    new ResizeObserver(() => this.#resized()).observe(this.#grid);
    this.#grid.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.#grid.addEventListener('scrollend', () => this.#settle());
    this.#grid.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    this.#grid.addEventListener('keydown', (event) => this.#key(event));
    this.#grid.addEventListener('click', (event) => this.#click(event));
    this.#grid.addEventListener('contextmenu', (event) => this.#contextMenu(event));

    state.on('capture', () => this.#reset());
    state.on('view', () => void this.#viewChanged());
    state.on('count', (count) => this.#counted(count));
    state.on('progress', () => this.#progressed());
    state.on('select', ({ frame, origin }) => void this.#selected(frame, origin));
    this.#resized();
  }

  /** What the column of times shows. */
  get timeForm(): TimeForm {
    return this.#context.form;
  }

  set timeForm(form: TimeForm) {
    this.#context = { ...this.#context, form };
    this.dataset.time = form;
    this.#render();
  }

  /** Gives the grid the keyboard. */
  override focus(options?: FocusOptions): void {
    this.#grid.focus(options);
  }

  #reset(): void {
    this.#rows.clear();
    this.#active = null;
    this.#activeRow = undefined;
    this.#context = { ...this.#context, start: Number.NaN, selected: Number.NaN, connections: false };
    this.#following = false;
    this.#fresh = true;
    this.#scroller.rows = 0;
    this.#scroller.top = 0;
    this.#counted(0);
  }

  async #viewChanged(): Promise<void> {
    this.#rows.clear();
    this.#active = null;
    this.#scroller.rows = state.count;
    this.#scroller.top = 0;
    this.#counted(state.count);
    // Asked for now, not only when the next picture is drawn.
    this.#rows.want(this.#scroller.first, this.#scroller.end, this.#scroller.rows, 1);
    if (state.selected !== null && state.count > 0) await this.#selected(state.selected, 'app', false);
  }

  #counted(count: number): void {
    this.#scroller.rows = count;
    this.#grid.setAttribute('aria-rowcount', String(count + 1));
    this.#spacer.style.height = `${this.#scroller.spacer}px`;
    if (this.#following) this.#scroller.top = Number.MAX_SAFE_INTEGER;
    this.#showEmpty();
    this.#syncBar();
    this.#render();
  }

  #progressed(): void {
    const progress = state.progress;
    if (!progress) return;
    const { start } = progress;
    const connections = progress.connections > 1;
    const context = this.#context;
    if (!Object.is(start, context.start) || connections !== context.connections) {
      this.#context = { ...context, start, connections };
      this.classList.toggle('many-connections', connections);
    }
    if (this.#fresh) this.#following = progress.live;
    this.#fresh = false;
    // Findings may have come to rows that are here.
    if (progress.done) this.#rows.refresh();
    this.#showEmpty();
    this.#render();
  }

  #showEmpty(): void {
    const { progress, view } = state;
    const empty = state.count === 0 && progress !== null;
    this.#empty.hidden = !empty;
    if (!empty) return;
    if (view.filter !== '') this.#empty.textContent = progress.done ? 'No frame passes this filter.' : 'No frame so far passes this filter.';
    else if (!progress.done) this.#empty.textContent = progress.live ? 'Waiting for the first frame.' : 'Reading.';
    else this.#empty.textContent = view.mode === 'control' && progress.frames > 0 ? 'There are no control frames.' : 'There are no WebSocket frames in this capture.';
  }

  #resized(): void {
    const height = this.#grid.clientHeight - this.#head.offsetHeight;
    this.#scroller.viewport = Math.max(0, height);
    const needed = Math.ceil(Math.max(0, height) / rowHeight) + 1;
    while (this.#views.length < needed) {
      const view = new RowView(`row-${this.#views.length}`);
      this.#views.push(view);
      this.#layer.append(view.element);
    }
    while (this.#views.length > needed) this.#views.pop()?.element.remove();
    if (this.#following) this.#scroller.top = Number.MAX_SAFE_INTEGER;
    this.#render();
  }

  #renderNow(): void {
    const { first, end, rows } = this.#scroller;
    this.#rows.want(first, end, rows, this.#direction);
    let active: string | null = null;
    const size = this.#views.length;
    for (const [slot, view] of this.#views.entries()) {
      // Each row has its own element for as long as it is in sight.
      const row = first + ((((slot - first) % size) + size) % size);
      if (row >= end) {
        view.element.hidden = true;
        continue;
      }
      view.element.hidden = false;
      const content = this.#rows.get(row);
      view.fill(row, content, this.#context);
      view.place(this.#scroller.offset(row));
      const selected = row === this.#active;
      view.select(selected);
      if (selected) {
        active = view.element.id;
        if (content) this.#activeRow = content;
      }
    }
    this.#pinned.element.hidden = active !== null || this.#active === null || this.#activeRow === undefined;
    if (!this.#pinned.element.hidden && this.#active !== null) {
      this.#pinned.fill(this.#active, this.#activeRow, this.#context);
      this.#pinned.place(this.#active < first ? -2 * rowHeight : this.#scroller.viewport + rowHeight);
      this.#pinned.select(true);
      active = this.#pinned.element.id;
    }
    if (active) this.#grid.setAttribute('aria-activedescendant', active);
    else this.#grid.removeAttribute('aria-activedescendant');
    this.#followButton.hidden = !(state.progress?.live && !this.#following);
    const top = this.#rows.get(first);
    const bottom = this.#rows.get(end - 1);
    if (top && bottom) state.setVisible(top.time, bottom.time);
  }

  #scrolled(): void {
    const before = this.#scroller.top;
    this.#scroller.barMoved(this.#grid.scrollTop);
    if (this.#scroller.top === before) return;
    this.#direction = this.#scroller.top < before ? -1 : 1;
    this.#followOrNot();
    this.#render();
  }

  /** Who scrolls up stays there; who comes back to the end follows again. */
  #followOrNot(): void {
    if (this.#direction < 0) this.#following = false;
    else if (state.progress?.live && this.#scroller.atEnd) this.#following = true;
  }

  #settle(): void {
    // Small movements were exact, so the bar may have drifted from its share.
    this.#scroller.top = this.#scroller.top;
    this.#syncBar();
  }

  #syncBar(): void {
    const bar = this.#scroller.bar;
    if (Math.abs(this.#grid.scrollTop - bar) >= 1) this.#grid.scrollTop = bar;
  }

  #moveTo(top: number): void {
    const before = this.#scroller.top;
    this.#scroller.top = top;
    this.#direction = this.#scroller.top < before ? -1 : 1;
    this.#syncBar();
    this.#render();
  }

  #wheel(event: WheelEvent): void {
    if (this.#scroller.exact || event.ctrlKey || event.shiftKey || event.deltaY === 0) return;
    // The browser would scroll the spacer, in which a pixel is worth several rows.
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? rowHeight : event.deltaMode === WheelEvent.DOM_DELTA_PAGE ? this.#scroller.viewport : 1;
    this.#moveTo(this.#scroller.top + event.deltaY * unit);
    this.#followOrNot();
  }

  #click(event: MouseEvent): void {
    const row = this.#rowAt(event);
    if (row !== null) void this.#activate(row, 'list');
  }

  #contextMenu(event: MouseEvent): void {
    const row = this.#rowAt(event);
    if (row === null) return;
    event.preventDefault();
    void this.#activate(row, 'list').then(() => {
      if (state.selected !== null) this.#copy(state.selected, new DOMRect(event.clientX, event.clientY, 0, 0));
    });
  }

  #rowAt(event: MouseEvent): number | null {
    const element = (event.target as Element).closest('.row');
    const view = this.#views.find((candidate) => candidate.element === element);
    return view && view.index < this.#scroller.rows ? view.index : null;
  }

  #key(event: KeyboardEvent): void {
    const wanted = action(event);
    if (!wanted) return;
    event.preventDefault();
    void this.#act(wanted);
  }

  async #act(wanted: Action): Promise<void> {
    const { rows, page } = this.#scroller;
    const at = this.#active ?? this.#scroller.first - (wanted.kind === 'move' && wanted.by > 0 ? 1 : 0);
    switch (wanted.kind) {
      case 'move':
        await this.#activate(at + wanted.by, 'list');
        break;
      case 'page':
        await this.#activate(at + wanted.by * page, 'list');
        break;
      case 'edge':
        await this.#activate(wanted.to < 0 ? 0 : rows - 1, 'list');
        if (wanted.to > 0 && state.progress?.live) this.#follow();
        break;
      case 'find': {
        const found = rows === 0 ? null : await state.client.find(wanted.what, Math.max(0, at), wanted.by);
        if (found === null) state.say(nothing[wanted.what]);
        else await this.#activate(found, 'list', true);
        break;
      }
      case 'fold':
        await state.setMode(state.view.mode === 'messages' ? 'frames' : 'messages');
        state.say(state.view.mode === 'messages' ? 'Fragments are folded into their messages.' : 'Every frame is shown.');
        break;
      case 'filter':
        this.dispatchEvent(new CustomEvent('filter', { bubbles: true }));
        break;
      case 'goto': {
        const frame = await goTo(state.progress?.frames ?? 0);
        this.focus();
        if (frame !== null) state.select(frame, 'app');
        break;
      }
      case 'copy':
        if (state.selected !== null) this.#copy(state.selected, this.#activeRect());
        break;
      case 'help':
        state.help();
        break;
      case 'detail':
        this.dispatchEvent(new CustomEvent('detail', { bubbles: true }));
        break;
      case 'escape':
        state.highlight(null);
        break;
    }
  }

  #copy(frame: number, anchor: DOMRect): void {
    openCopyMenu(frame, anchor).catch((error: Error) => state.say(error.message));
  }

  #activeRect(): DOMRect {
    const id = this.#grid.getAttribute('aria-activedescendant');
    const shown = id && id !== this.#pinned.element.id ? document.getElementById(id)?.querySelector('.type') : null;
    return (shown ?? this.#head).getBoundingClientRect();
  }

  /** Selects a row of the view: the nearest that exists. */
  async #activate(row: number, origin: Origin, centre = false): Promise<void> {
    const { rows } = this.#scroller;
    if (rows === 0) return;
    const target = Math.min(Math.max(row, 0), rows - 1);
    const turn = ++this.#turn;
    if (target < rows - 1) this.#following = false;
    this.#setActive(target, centre);
    const content = await this.#rows.read(target);
    if (turn !== this.#turn || !content) return;
    this.#setContent(content);
    state.select(content.number, origin, content.connection);
  }

  #setActive(row: number, centre: boolean): void {
    if (row !== this.#active) this.#activeRow = undefined;
    this.#active = row;
    const before = this.#scroller.top;
    this.#scroller.reveal(row, centre);
    if (this.#scroller.top !== before) this.#direction = this.#scroller.top < before ? -1 : 1;
    this.#syncBar();
    this.#render();
  }

  #setContent(row: Row): void {
    this.#activeRow = row;
    if (!Object.is(row.time, this.#context.selected)) this.#context = { ...this.#context, selected: row.time };
    state.setCursor(row.time);
    this.#render();
  }

  async #selected(frame: number | null, origin: Origin, reveal = true): Promise<void> {
    if (origin === 'list') return;
    const turn = ++this.#turn;
    if (frame === null) {
      this.#active = null;
      this.#activeRow = undefined;
      state.setCursor(Number.NaN);
      this.#render();
      return;
    }
    if (state.count === 0) return;
    const row = await state.client.rowOf(frame);
    if (turn !== this.#turn) return;
    const content = await this.#rows.read(row);
    if (turn !== this.#turn || !content) return;
    // A frame that the view leaves out has no row; the nearest is shown, not selected.
    if (content.number === frame || state.view.mode === 'messages') {
      this.#following = false;
      this.#setActive(row, true);
      this.#setContent(content);
      state.selectConnection(content.connection);
    } else {
      this.#active = null;
      if (reveal) this.#scroller.reveal(row, true);
      this.#syncBar();
      this.#render();
    }
  }

  #follow(): void {
    this.#following = true;
    this.#moveTo(Number.MAX_SAFE_INTEGER);
    state.say(`Following. ${counted(this.#scroller.rows, 'row')} so far.`);
    this.focus();
  }
}

const nothing = {
  finding: 'No further finding in this direction.',
  pong: 'This frame has no Ping or Pong that belongs to it.',
  direction: 'No further frame of this direction.',
  connection: 'No further connection.',
};

customElements.define('sky-list', FrameList);
