import { count, counted } from '../app/format.js';
import { state } from '../app/state.js';
import { sectionUrl } from '../detail/fields.js';
import { sentence } from '../detail/frame-head.js';
import { el, fill, setText } from '../dom.js';
import type { ExportKind, Finding, RuleCount, Severity } from '../model.js';
import { exportReport } from './report.js';
import { SEVERITIES, SEVERITY_MEANING, severityChip } from './severity.js';
import './findings.css';

/** `<sky-findings>`: the rules that were broken, the worst first: how often, where first, why it matters, and every place. */
export class SkyFindings extends HTMLElement {
  readonly #sum = el('p', { class: 'findings-sum', role: 'status' });
  readonly #list = el('div', { class: 'rules' });
  /** The rules that are open, so that they stay so while a live capture grows. */
  readonly #open = new Set<string>();
  #listening: AbortController | null = null;
  #counts: RuleCount[] = [];
  #turn = 0;
  #known = -1;

  connectedCallback(): void {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const reports: [ExportKind, string][] = [['sarif', 'SARIF'], ['jsonl', 'JSON lines']];
    fill(
      this,
      el(
        'header',
        { class: 'findings-head' },
        el('h2', { class: 'detail-title', text: 'Findings' }),
        this.#sum,
        el(
          'div',
          { class: 'findings-tools' },
          el('span', { class: 'soft', text: 'Save as' }),
          ...reports.map(([kind, label]) => el('button', { type: 'button', class: 'quiet', text: label, on: { click: () => void this.#export(kind) } })),
        ),
      ),
      this.#list,
    );
    state.on('pane', () => this.#refresh(), signal);
    state.on('progress', ({ findings }) => {
      if (findings !== this.#known) this.#refresh();
    }, signal);
    state.on('capture', () => {
      this.#open.clear();
      this.#known = -1;
      this.#refresh();
    }, signal);
    this.#refresh();
  }

  disconnectedCallback(): void {
    this.#listening?.abort();
    this.#listening = null;
  }

  #refresh(): void {
    if (state.pane === 'findings' || this.dataset.always !== undefined) void this.#load();
  }

  async #load(): Promise<void> {
    const turn = (this.#turn += 1);
    const known = state.progress?.findings ?? -1;
    try {
      const counts = await state.client.ruleCounts();
      if (turn !== this.#turn) return;
      this.#known = known;
      this.#draw(counts);
    } catch (error) {
      if (turn === this.#turn) setText(this.#sum, error instanceof Error ? error.message : String(error));
    }
  }

  async #export(kind: ExportKind): Promise<void> {
    try {
      await exportReport(kind);
    } catch (error) {
      state.say(error instanceof Error ? error.message : String(error));
    }
  }

  #draw(counts: RuleCount[]): void {
    const same = counts.length === this.#counts.length && counts.every(({ rule }, index) => rule === this.#counts[index]?.rule);
    this.#counts = counts;
    const total = (severity: Severity): number => counts.filter((each) => each.severity === severity).reduce((sum, each) => sum + each.count, 0);
    setText(
      this.#sum,
      counts.length === 0
        ? 'Nothing to say against this capture.'
        : SEVERITIES.filter((severity) => total(severity) > 0).map((severity) => plural(total(severity), severity)).join(', '),
    );
    if (same) {
      // A live capture grows: only the numbers change, and whatever is open or focused stays.
      for (const [index, { count: value }] of counts.entries()) setText(this.#list.querySelectorAll('.rule-count')[index] ?? this.#sum, count(value));
      return;
    }
    fill(
      this.#list,
      ...SEVERITIES.flatMap((severity) => {
        const rules = counts.filter((each) => each.severity === severity);
        if (rules.length === 0) return [];
        return [
          el('h3', { class: 'rules-title' }, severityChip(severity), el('span', { class: 'soft', text: SEVERITY_MEANING[severity] })),
          el('ul', { class: 'rule-list' }, ...rules.map((rule) => el('li', null, this.#rule(rule)))),
        ];
      }),
    );
  }

  #rule(rule: RuleCount): HTMLElement {
    const places = el('div', { class: 'rule-places' });
    const details = el(
      'details',
      { class: 'rule', data: { rule: rule.rule, severity: rule.severity } },
      el(
        'summary',
        null,
        el('span', { class: 'rule-count mono', text: count(rule.count) }),
        el('span', { class: 'rule-title' }, el('strong', { text: sentence(rule.title) }), ' ', el('code', { class: 'soft', text: rule.rule })),
        el('span', { class: 'rule-section mono', text: `${rule.rfc === 6455 ? '' : `RFC ${rule.rfc} `}§${rule.section}` }),
      ),
      el(
        'div',
        { class: 'rule-body' },
        el('p', { text: rule.explanation }),
        el('p', { class: 'soft', text: `A strict peer ${rule.strictPeer}.` }),
        el(
          'p',
          { class: 'finding-links' },
          el('a', { href: sectionUrl(rule.rfc, rule.section), target: '_blank', rel: 'noreferrer', text: `RFC ${rule.rfc} §${rule.section}` }),
          rule.first ? placeLink(rule.first, 'first place') : null,
          el('button', {
            type: 'button',
            class: 'link',
            text: 'only these in the list',
            title: `Filter: rule:${rule.rule}`,
            on: { click: () => void this.#filter(rule.rule) },
          }),
        ),
        places,
      ),
    );
    details.open = this.#open.has(rule.rule);
    const opened = (): void => {
      if (details.open) {
        this.#open.add(rule.rule);
        if (!places.firstChild) void this.#more(rule, places);
      } else {
        this.#open.delete(rule.rule);
      }
    };
    details.addEventListener('toggle', opened);
    return details;
  }

  async #filter(rule: string): Promise<void> {
    const problem = await state.setView({ filter: `rule:${rule}` });
    state.say(problem ? problem.message : `The list shows ${counted(state.count, 'row')} with ${rule}.`);
  }

  async #more(rule: RuleCount, places: HTMLElement): Promise<void> {
    let list = places.querySelector<HTMLElement>('ul');
    if (!list) {
      list = el('ul', { class: 'places', 'aria-label': `Places of ${rule.rule}` });
      places.append(list);
    }
    const from = list.childElementCount;
    const found = await state.client.findings(rule.rule, from, PAGE);
    for (const finding of found) list.append(el('li', null, placeLink(finding, placeName(finding)), el('span', { class: 'mono soft', text: finding.detail })));
    places.querySelector('.places-more')?.remove();
    const rest = rule.count - from - found.length;
    if (rest > 0 && found.length > 0) {
      const more = el('button', { type: 'button', class: 'places-more', text: `Show ${count(Math.min(rest, PAGE))} more of ${count(rest)}`, on: { click: () => void this.#more(rule, places) } });
      places.append(more);
    }
    if (from > 0) list.children[from]?.querySelector('button')?.focus();
  }
}

/** A button that goes to where something was found. */
function placeLink(finding: Finding, text: string): HTMLElement {
  return el('button', { type: 'button', class: 'link', text, on: { click: () => goTo(finding) } });
}

function goTo(finding: Finding): void {
  if (finding.frame === null) {
    state.selectConnection(finding.connection);
    state.show('connection');
    return;
  }
  state.select(finding.frame, 'findings', finding.connection);
  state.show('frame');
  if (finding.end > finding.start) {
    state.highlight({ frame: finding.frame, space: finding.place === 'inflated' ? 'message' : 'wire', start: finding.start, end: finding.end });
  }
}

function placeName({ frame, connection, place, direction, start }: Finding): string {
  const side = direction === null ? '' : direction === 'c2s' ? ', from the client' : ', from the server';
  switch (place) {
    case 'frame':
    case 'inflated':
      return `frame #${count(frame ?? 0)}${side}`;
    case 'request':
    case 'response':
      return `${place} of connection ${count(connection)}`;
    case 'stream':
      return `byte ${count(start)} of connection ${count(connection)}${side}`;
    case 'connection':
      return `connection ${count(connection)}${side}`;
  }
}

function plural(value: number, severity: Severity): string {
  if (severity === 'violation') return counted(value, 'violation');
  return severity === 'advice' ? counted(value, 'piece of advice', 'pieces of advice') : counted(value, 'remark');
}

/** Places that are shown at a time. */
const PAGE = 50;

customElements.define('sky-findings', SkyFindings);
