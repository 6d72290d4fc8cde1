import { el, fill } from '../dom.js';
import { bytes, counted, sentence } from './format.js';
import { openAgain, opened } from './session.js';
import { presetForm } from './preset.js';
import { state } from './state.js';

/** A quiet line under the header for each thing that is worth knowing of the capture. */
export class Notices {
  readonly element = el('div', { class: 'notices', 'aria-label': 'About this capture', role: 'region', hidden: true });
  #dismissed = new Set<string>();
  #shown = '';
  #fatal: string | null = null;

  constructor() {
    state.on('capture', () => {
      this.#dismissed.clear();
      this.update();
    });
    state.on('progress', () => this.update());
  }

  /** Says that the page cannot go on. */
  fail(message: string): void {
    this.#fatal = message;
    this.update();
  }

  /** Shows what there is to say now. */
  update(): void {
    const { progress } = state;
    const lines: { key: string; kind: string; words: string; more?: string[]; button?: HTMLElement }[] = [];
    if (this.#fatal) lines.push({ key: 'fatal', kind: 'violation', words: `The worker of this page has failed: ${this.#fatal}. Load the page again to go on.` });
    if (progress?.live)
      lines.push({
        key: 'live', kind: 'live',
        words: progress.behind > 0 ? `Recording. ${bytes(progress.behind)} behind: not shown yet, all in the file.` : 'Recording. Everything is shown, and in the file.',
      });
    if (progress?.problems.length === 1) lines.push({ key: 'problems', kind: 'advice', words: sentence(progress.problems[0] ?? '') });
    else if (progress && progress.problems.length > 1)
      lines.push({ key: 'problems', kind: 'advice', words: `${counted(progress.problems.length, 'thing')} about this file`, more: progress.problems.map(sentence) });
    if (progress?.format && /net-?(log|export)/i.test(progress.format) && opened()?.kind === 'files')
      lines.push({ key: 'netlog', kind: 'information', words: 'A net-export holds cookies and everything else that Chrome sent. It stays in this tab; think before you pass the file on.' });
    if (progress?.done && progress.format && /raw|hex|base64|text/i.test(progress.format) && opened()?.kind === 'files')
      lines.push({
        key: 'preset', kind: 'information', words: 'Bytes without addresses or times: who sent them, and whether they are compressed, is taken from the bytes themselves.',
        button: el('button', { class: 'link', type: 'button', text: 'Say how to read them', on: { click: () => void presetForm().then((preset) => preset && openAgain({ preset })) } }),
      });

    const wanted = lines.filter((line) => !this.#dismissed.has(line.key));
    const signature = JSON.stringify(wanted.map(({ key, words, more }) => [key, words, more]));
    if (signature === this.#shown) return;
    this.#shown = signature;
    this.element.hidden = wanted.length === 0;
    fill(
      this.element,
      ...wanted.map((line) =>
        el('div', { class: 'notice', data: { kind: line.kind } },
          line.more
            ? el('details', {}, el('summary', { text: line.words }), el('ul', {}, ...line.more.slice(0, 200).map((text) => el('li', { text }))))
            : el('p', {}, line.words, line.button ? ' ' : null, line.button),
          line.key === 'fatal' || line.key === 'live'
            ? null
            : el('button', { class: 'quiet', type: 'button', text: 'Hide', on: { click: () => this.#dismiss(line.key) } }),
        ),
      ),
    );
  }

  #dismiss(key: string): void {
    this.#dismissed.add(key);
    this.update();
  }
}

/** Sentences at the foot of the page, read out politely and gone after some seconds. */
export class Toast {
  readonly element = el('p', { class: 'toast', role: 'status' });
  #timer = 0;

  constructor() {
    state.on('say', (sentence) => {
      clearTimeout(this.#timer);
      this.element.textContent = sentence;
      this.#timer = window.setTimeout(() => (this.element.textContent = ''), 4000);
    });
  }
}
