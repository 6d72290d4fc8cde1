import '../filter/filter.js';
import '../list/list.js';
import '../overview/overview.js';
import './drop.js';

import { el, icon, query } from '../dom.js';
import type { FilterField } from '../filter/filter.js';
import type { FrameList } from '../list/list.js';
import type { TimeForm } from '../list/row-view.js';
import type { Mode } from '../model.js';
import type { DropZone } from './drop.js';
import { count, counted, sentence } from './format.js';
import { readHash, writeHash, type Place } from './hash.js';
import { Header } from './header.js';
import { Notices, Toast } from './notices.js';
import { close, goTo, opened, openFiles, openFromHash, openSample, samples, start, type Sample } from './session.js';
import { Splitter, type Layout } from './splitter.js';
import { state, type Pane } from './state.js';
import { remember } from './theme.js';

const panes: [Pane, string][] = [['frame', 'Frame'], ['connection', 'Connection'], ['findings', 'Findings']];
const modes: [Mode, string][] = [['frames', 'Frames'], ['messages', 'Messages'], ['control', 'Control']];
const times: [TimeForm, string][] = [['start', 'Since the start'], ['clock', 'Time of day'], ['delta', 'Since the row before'], ['selected', 'Since the selected frame']];

/** Milliseconds between two announcements in a recording. */
const sayEvery = 5000;

/** Below this width the panes lie one below the other. */
const narrow = 1000;

/** The whole page: puts the elements together, and turns what the user does with files and the address into state. */
export class App extends HTMLElement {
  #drop = document.createElement('sky-drop') as DropZone;
  #list = document.createElement('sky-list') as FrameList;
  #filter = document.createElement('sky-filter') as FilterField;
  #header = new Header(() => this.#drop.pick(), () => void close());
  #notices = new Notices();
  #toast = new Toast();
  #spoken = el('p', { class: 'spoken', role: 'status' });
  #progress = el('div', { class: 'progress', role: 'progressbar', 'aria-label': 'Reading the capture', 'aria-valuemin': 0, 'aria-valuemax': 100, hidden: true }, el('i'));
  #tabs = new Map<Pane, { tab: HTMLButtonElement; panel: HTMLElement }>();
  #split = el('div', { class: 'split' });
  #splitter = new Splitter(this.#split);
  #layoutButton = el('button', { class: 'quiet layout', type: 'button' });
  #work = el('div', { class: 'work', hidden: true });
  #veil = el('div', { class: 'veil', hidden: true }, el('p', { text: 'Drop to open' }));
  #samples: Sample[] = [];
  #said = { findings: 0, at: 0 };
  #hashTimer = 0;
  #written = location.hash;

  connectedCallback(): void {
    if (this.firstChild) return;
    this.#compose();
    this.#listen();
    void this.#begin();
  }

  #compose(): void {
    const tabList = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Panes' });
    const panels = el('div', { class: 'panels' });
    for (const [pane, label] of panes) {
      const tab = el('button', { type: 'button', role: 'tab', id: `tab-${pane}`, 'aria-controls': `panel-${pane}`, on: { click: () => state.show(pane) } }, label);
      const panel = el('section', { class: 'panel', role: 'tabpanel', id: `panel-${pane}`, 'aria-labelledby': `tab-${pane}`, tabindex: 0 }, document.createElement(pane === 'frame' ? 'sky-detail' : `sky-${pane}`));
      this.#tabs.set(pane, { tab, panel });
      tabList.append(tab);
      panels.append(panel);
    }
    tabList.addEventListener('keydown', (event) => this.#tabKey(event));
    this.#showPane(state.pane);

    const modeSwitch = el('div', { class: 'switch modes', role: 'group', 'aria-label': 'Rows' });
    for (const [mode, label] of modes)
      modeSwitch.append(el('button', { type: 'button', 'aria-pressed': String(state.view.mode === mode), data: { mode }, text: label, on: { click: () => void state.setMode(mode) } }));
    state.on('view', (view) => {
      for (const button of modeSwitch.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button.dataset.mode === view.mode));
    });
    const time = el('select', { class: 'times', 'aria-label': 'Times', title: 'What the times count from' }, ...times.map(([value, text]) => el('option', { value, text })));
    time.addEventListener('change', () => (this.#list.timeForm = time.value as TimeForm));

    this.#split.append(
      el('section', { class: 'list-pane', id: 'list-pane', 'aria-label': 'List of frames' }, this.#list),
      this.#splitter.element,
      el('section', { class: 'detail-pane', 'aria-label': 'Details' }, tabList, panels),
    );
    this.#work.append(document.createElement('sky-overview'), el('div', { class: 'bar' }, modeSwitch, this.#filter, time, this.#layoutButton), this.#split);
    this.append(
      this.#header.element,
      el('main', {}, this.#progress, this.#notices.element, this.#drop, this.#work),
      document.createElement('sky-help'),
      this.#toast.element,
      this.#spoken,
      this.#veil,
    );
    this.#layoutButton.addEventListener('click', () => {
      remember('sockeye-layout', this.#layout() === 'side' ? 'below' : 'side');
      this.#lay();
    });
    matchMedia(`(min-width: ${narrow}px)`).addEventListener('change', () => this.#lay());
    this.#lay();
  }

  #listen(): void {
    state.on('capture', (open) => {
      this.#drop.hidden = open;
      this.#work.hidden = !open;
      this.#header.update();
      this.#showProgress();
      if (open) {
        this.#drop.problem = null;
        this.#list.focus({ preventScroll: true });
      }
    });
    state.on('progress', () => {
      this.#header.update();
      this.#showProgress();
      this.#sayFindings();
    });
    state.on('pane', (pane) => this.#showPane(pane));
    for (const event of ['select', 'view', 'pane', 'capture'] as const) state.on(event, () => this.#noteHash());
    this.#drop.addEventListener('files', (event) => void this.#open(() => openFiles((event as CustomEvent<File[]>).detail)));
    this.#drop.addEventListener('sample', (event) => void this.#open(() => openSample((event as CustomEvent<Sample>).detail)));
    this.addEventListener('filter', () => this.#filter.focus());
    this.addEventListener('leave', () => this.#list.focus());
    this.addEventListener('detail', () => this.#tabs.get(state.pane)?.panel.focus());
    window.addEventListener('hashchange', () => void this.#hashChanged());
    this.#listenToDrops();
  }

  #listenToDrops(): void {
    let depth = 0;
    const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    window.addEventListener('dragenter', (event) => {
      if (!carriesFiles(event)) return;
      depth += 1;
      this.#veil.hidden = false;
    });
    window.addEventListener('dragleave', (event) => {
      if (!carriesFiles(event)) return;
      depth = Math.max(0, depth - 1);
      this.#veil.hidden = depth === 0;
    });
    window.addEventListener('dragover', (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
    });
    window.addEventListener('drop', (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth = 0;
      this.#veil.hidden = true;
      const files = [...(event.dataTransfer?.files ?? [])];
      void this.#open(() => openFiles(files));
    });
  }

  async #begin(): Promise<void> {
    const ready = start((error) => this.#notices.fail(error.message));
    ready.catch((error: Error) => (this.#drop.problem = sentence(error.message)));
    this.#samples = await samples();
    this.#drop.samples = this.#samples;
    await this.#open(async () => void (await openFromHash(this.#samples)));
  }

  async #open(open: () => Promise<void>): Promise<void> {
    try {
      await open();
      const { progress } = state;
      if (progress?.done) this.#spoken.textContent = `${counted(progress.frames, 'frame')} read, ${counted(progress.findings, 'finding')}.`;
    } catch (error) {
      this.#drop.problem = sentence((error as Error).message);
    }
  }

  #layout(): Layout {
    if (innerWidth < narrow) return 'below';
    return remember('sockeye-layout') === 'below' ? 'below' : 'side';
  }

  #lay(): void {
    const layout = this.#layout();
    this.#split.dataset.layout = layout;
    this.#splitter.layout = layout;
    this.#layoutButton.hidden = innerWidth < narrow;
    const label = layout === 'side' ? 'Details below the list' : 'Details beside the list';
    this.#layoutButton.setAttribute('aria-label', label);
    this.#layoutButton.title = label;
    this.#layoutButton.replaceChildren(icon(layout === 'side' ? 'M2.5 3h11v10h-11ZM2.5 8.5h11' : 'M2.5 3h11v10h-11ZM8.5 3v10'));
  }

  #showPane(pane: Pane): void {
    for (const [name, { tab, panel }] of this.#tabs) {
      const shown = name === pane;
      tab.setAttribute('aria-selected', String(shown));
      tab.tabIndex = shown ? 0 : -1;
      panel.hidden = !shown;
    }
  }

  #tabKey(event: KeyboardEvent): void {
    const order = panes.map(([pane]) => pane);
    const at = order.indexOf(state.pane);
    const to: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1 + order.length, Home: 0, End: order.length - 1 };
    const next = order[(to[event.key] ?? Number.NaN) % order.length];
    if (!next) return;
    event.preventDefault();
    state.show(next);
    this.#tabs.get(next)?.tab.focus();
  }

  #showProgress(): void {
    const { progress } = state;
    const reading = progress !== null && !progress.done && !progress.live;
    this.#progress.hidden = !reading;
    const findings = this.#tabs.get('findings')?.tab;
    if (findings) findings.textContent = progress && progress.findings > 0 ? `Findings ${count(progress.findings)}` : 'Findings';
    if (!reading) return;
    const part = progress.total > 0 ? progress.bytes / progress.total : 0;
    this.#progress.setAttribute('aria-valuenow', String(Math.round(part * 100)));
    query(this.#progress, 'i').style.transform = `scaleX(${part})`;
  }

  /** In a recording, new findings are said, but not more often than one can listen to. */
  #sayFindings(): void {
    const { progress } = state;
    if (!progress?.live || progress.findings === this.#said.findings) return;
    const now = performance.now();
    if (now - this.#said.at < sayEvery) return;
    this.#said = { findings: progress.findings, at: now };
    if (progress.findings > 0) this.#spoken.textContent = `${counted(progress.findings, 'finding')} so far.`;
  }

  #noteHash(): void {
    clearTimeout(this.#hashTimer);
    this.#hashTimer = window.setTimeout(() => {
      const source = opened();
      const place: Place = source
        ? {
            ...(source.kind === 'sample' ? { sample: source.file } : {}),
            ...(source.kind === 'live' ? { live: source.token } : {}),
            ...(state.selected !== null ? { frame: state.selected } : {}),
            filter: state.view.filter,
            mode: state.view.mode,
            pane: state.pane,
          }
        : {};
      const hash = writeHash(place);
      if (hash === this.#written) return;
      this.#written = hash;
      history.replaceState(null, '', hash === '' ? location.pathname + location.search : hash);
    }, 250);
  }

  async #hashChanged(): Promise<void> {
    if (location.hash === this.#written) return;
    this.#written = location.hash;
    const place = readHash();
    const source = opened();
    if ((place.sample && !(source?.kind === 'sample' && source.file === place.sample)) || (place.live && source?.kind !== 'live')) {
      await this.#open(async () => void (await openFromHash(this.#samples)));
      return;
    }
    if (!state.progress) return;
    const problem = await state.setView({ filter: place.filter ?? '', mode: place.mode ?? 'frames' });
    if (problem) state.say(problem.message);
    if (place.pane) state.show(place.pane);
    if (place.frame !== undefined) goTo(place.frame);
  }
}

customElements.define('sky-app', App);
