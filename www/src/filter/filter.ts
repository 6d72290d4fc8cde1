import { count, counted } from '../app/format.js';
import { state, type FilterProblem } from '../app/state.js';
import { el, fill, icon, setText } from '../dom.js';

interface Option {
  label: string;
  help: string;
  heading: string | null;
  /** The whole text once it is chosen, and where the cursor then stands. */
  text: string;
  cursor: number;
  /** Whether nothing more is expected, so that it can be applied at once. */
  whole: boolean;
}

const examples: [string, string][] = [
  ['severity:violation', 'frames that break a MUST'],
  ['op:close', 'how the connection ended'],
  ['op:ping or op:pong', 'keep-alive and round trips'],
  ['dir:c2s size>1k', 'large payloads of the client'],
  ['compressed:1 ratio<0.5', 'what permessage-deflate halved'],
  ['text:/error/i', 'a regular expression in the inflated text'],
  ['fin:0', 'fragments with more to come'],
];

const noun = { frames: 'frame', messages: 'message', control: 'control frame' };

/** The field for the filter: completions while one types, mistakes marked in place, what was used before. */
export class FilterField extends HTMLElement {
  #backdrop = el('div', { class: 'backdrop', 'aria-hidden': 'true' });
  #input = el('input', {
    type: 'text', role: 'combobox', 'aria-label': 'Filter', 'aria-autocomplete': 'list', 'aria-expanded': 'false',
    'aria-controls': 'filter-options', 'aria-describedby': 'filter-problem', autocomplete: 'off', autocapitalize: 'off',
    spellcheck: 'false', placeholder: 'Filter: op:close, dir:c2s, size>1k, text:"…"',
  });
  #clear = el('button', { class: 'quiet clear', type: 'button', 'aria-label': 'Clear the filter', title: 'Clear (Esc)', hidden: true }, icon('M4 4 12 12M12 4 4 12'));
  #list = el('ul', { id: 'filter-options', class: 'options', role: 'listbox', 'aria-label': 'Suggestions', hidden: true });
  #problem = el('p', { id: 'filter-problem', class: 'problem', role: 'status' });
  #total = el('p', { class: 'total' });
  #spoken = el('p', { class: 'spoken', role: 'status' });
  #options: Option[] = [];
  #chosen = -1;
  #history: string[] = [];
  #timer = 0;
  #applying = 0;
  #asked = 0;

  connectedCallback(): void {
    if (this.#input.isConnected) return;
    this.append(
      el('div', { class: 'field' }, icon('M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.4 10.4 14 14'), el('div', { class: 'entry' }, this.#backdrop, this.#input), this.#total, this.#clear),
      this.#list,
      this.#problem,
      this.#spoken,
    );
    this.#input.addEventListener('input', () => this.#typed());
    this.#input.addEventListener('keydown', (event) => this.#key(event));
    this.#input.addEventListener('focus', () => void this.#suggest());
    this.#input.addEventListener('click', () => void this.#suggest());
    this.#input.addEventListener('blur', () => this.#shut());
    this.#input.addEventListener('scroll', () => this.#alignBackdrop());
    this.#clear.addEventListener('click', () => {
      this.#set('');
      this.#input.focus();
    });
    // The field keeps the focus while an option is clicked.
    this.#list.addEventListener('pointerdown', (event) => event.preventDefault());
    this.#list.addEventListener('click', (event) => {
      const index = Number((event.target as Element).closest<HTMLElement>('[role=option]')?.dataset.index ?? -1);
      this.#take(index);
    });
    state.on('view', (view) => {
      this.#counted(true);
      // What is being typed here stays, whatever comes of what was typed before.
      if (this.#applying > 0) return;
      if (this.#input.value.trim() !== view.filter) this.#write(view.filter);
      this.#showProblem(null);
    });
    state.on('count', () => this.#counted(false));
    state.on('progress', () => this.#counted(false));
    state.on('capture', () => {
      this.#write('');
      this.#showProblem(null);
    });
  }

  /** Gives the field the keyboard. */
  override focus(): void {
    this.#input.focus();
    this.#input.select();
  }

  #write(text: string): void {
    this.#input.value = text;
    this.#clear.hidden = text === '';
    this.#alignBackdrop();
  }

  #set(text: string): void {
    this.#write(text);
    void this.#apply();
  }

  #typed(): void {
    this.#clear.hidden = this.#input.value === '';
    this.#showProblem(null);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#apply(), 150);
    void this.#suggest();
  }

  async #apply(): Promise<FilterProblem | null> {
    clearTimeout(this.#timer);
    const filter = this.#input.value.trim();
    if (filter === state.view.filter) {
      this.#showProblem(null);
      return null;
    }
    // Text is searched in everything; that may take a moment, and is worth saying.
    const slow = setTimeout(() => this.classList.add('busy'), 250);
    this.#applying += 1;
    try {
      const problem = await state.setView({ filter });
      if (filter === this.#input.value.trim()) this.#showProblem(problem);
      return problem;
    } catch (error) {
      state.say((error as Error).message);
      return null;
    } finally {
      clearTimeout(slow);
      this.#applying -= 1;
      if (this.#applying === 0) this.classList.remove('busy');
    }
  }

  #showProblem(problem: FilterProblem | null): void {
    setText(this.#problem, problem?.message ?? '');
    if (problem) this.#input.setAttribute('aria-invalid', 'true');
    else this.#input.removeAttribute('aria-invalid');
    if (!problem) {
      fill(this.#backdrop);
      return;
    }
    const text = this.#input.value;
    const lead = text.length - text.trimStart().length;
    const start = Math.min(lead + problem.start, text.length);
    const end = Math.min(Math.max(lead + problem.end, start + 1), text.length);
    // A mistake at the end, where something is missing, is marked behind the text.
    fill(this.#backdrop, text.slice(0, start), el('u', { text: start < text.length ? text.slice(start, end) : '\u00a0' }), text.slice(end));
    this.#alignBackdrop();
  }

  #alignBackdrop(): void {
    this.#backdrop.style.transform = `translateX(${-this.#input.scrollLeft}px)`;
  }

  #counted(speak: boolean): void {
    const { count: rows, view, progress } = state;
    if (!progress) {
      setText(this.#total, '');
      return;
    }
    const name = noun[view.mode];
    const all = view.filter === '' && view.mode === 'frames';
    const text = all ? counted(rows, name) : view.mode === 'frames' ? `${count(rows)} of ${counted(progress.frames, name)}` : counted(rows, name);
    setText(this.#total, text);
    if (speak) setText(this.#spoken, text);
  }

  async #suggest(): Promise<void> {
    const turn = ++this.#asked;
    const text = this.#input.value;
    const cursor = this.#input.selectionStart ?? text.length;
    let options: Option[];
    if (text.trim() === '') {
      const used = this.#history.filter((item) => !examples.some(([example]) => example === item)).slice(0, 5);
      options = [
        ...used.map((item, place): Option => ({ label: item, help: '', heading: place === 0 ? 'Used before' : null, text: item, cursor: item.length, whole: true })),
        ...examples.map(([item, help], place): Option => ({ label: item, help, heading: place === 0 ? 'Examples' : null, text: item, cursor: item.length, whole: true })),
      ];
    } else {
      let completions;
      try {
        completions = await state.client.completions(text, cursor);
      } catch {
        return;
      }
      if (turn !== this.#asked || document.activeElement !== this.#input) return;
      options = completions.slice(0, 12).map((completion): Option => {
        const before = text.slice(0, completion.start) + completion.text;
        return { label: completion.text, help: completion.help, heading: null, text: before + text.slice(completion.end), cursor: before.length, whole: false };
      });
      // What stands there already is no suggestion.
      if (options.length === 1 && options[0]?.text === text) options = [];
    }
    if (document.activeElement !== this.#input) return;
    this.#options = options;
    this.#show();
  }

  #show(): void {
    this.#chosen = -1;
    this.#input.removeAttribute('aria-activedescendant');
    fill(this.#list);
    for (const [index, option] of this.#options.entries()) {
      if (option.heading) this.#list.append(el('li', { class: 'heading', role: 'presentation', text: option.heading }));
      this.#list.append(
        el(
          'li',
          { id: `filter-option-${index}`, role: 'option', 'aria-selected': 'false', data: { index } },
          el('code', { text: option.label }),
          el('span', { class: 'faint', text: option.help }),
        ),
      );
    }
    const open = this.#options.length > 0;
    this.#list.hidden = !open;
    this.#input.setAttribute('aria-expanded', String(open));
  }

  #shut(): void {
    this.#asked += 1;
    this.#options = [];
    this.#show();
  }

  #choose(index: number): void {
    const size = this.#options.length;
    if (size === 0) return;
    // One place more than there are options: none of them, back in the text.
    this.#chosen = ((index + 1 + (size + 1)) % (size + 1)) - 1;
    for (const option of this.#list.querySelectorAll<HTMLElement>('[role=option]')) {
      const chosen = Number(option.dataset.index) === this.#chosen;
      option.setAttribute('aria-selected', String(chosen));
      if (chosen) {
        this.#input.setAttribute('aria-activedescendant', option.id);
        option.scrollIntoView({ block: 'nearest' });
      }
    }
    if (this.#chosen < 0) this.#input.removeAttribute('aria-activedescendant');
  }

  #take(index: number): void {
    const option = this.#options[index];
    if (!option) return;
    this.#write(option.text);
    this.#input.setSelectionRange(option.cursor, option.cursor);
    if (option.whole) {
      this.#shut();
      void this.#commit();
    } else this.#typed();
  }

  async #commit(): Promise<void> {
    const text = this.#input.value.trim();
    const problem = await this.#apply();
    if (text !== '' && !problem) this.#history = [text, ...this.#history.filter((item) => item !== text)].slice(0, 20);
  }

  #key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const open = this.#options.length > 0;
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp':
        if (open) this.#choose(this.#chosen < 0 && event.key === 'ArrowUp' ? -2 : this.#chosen + (event.key === 'ArrowDown' ? 1 : -1));
        else void this.#suggest();
        break;
      case 'Enter':
        if (this.#chosen >= 0) this.#take(this.#chosen);
        else {
          this.#shut();
          void this.#commit();
        }
        break;
      case 'Tab':
        if (this.#chosen < 0) return;
        this.#take(this.#chosen);
        break;
      case 'Escape':
        if (open) this.#shut();
        else if (this.#input.value !== '') this.#set('');
        else this.dispatchEvent(new CustomEvent('leave', { bubbles: true }));
        break;
      default:
        return;
    }
    event.preventDefault();
  }
}

customElements.define('sky-filter', FilterField);
