import { counted, duration } from '../app/format.js';
import { sectionUrl } from '../detail/fields.js';
import { sentence } from '../detail/frame-head.js';
import { el, icon } from '../dom.js';
import { SEVERITIES } from '../findings/severity.js';
import type { ConnectionDetail } from '../model.js';

type Check = ConnectionDetail['checks'][number];

/** The opening handshake: request and response side by side, and every check that was made, each tied to the lines it is about. */
export class Handshake {
  readonly element: HTMLElement;
  readonly #lines: { side: 'request' | 'response'; name: string; element: HTMLElement }[] = [];
  readonly #checks: { check: Check; element: HTMLElement }[] = [];

  constructor(detail: ConnectionDetail) {
    if (detail.request === null && detail.response === null) {
      this.element = el('p', { class: 'soft', text: 'The capture begins after the handshake.' });
      return;
    }
    const took = detail.answered - detail.requested;
    const failed = detail.checks.filter(({ passed }) => !passed).sort((one, other) => rank(one) - rank(other));
    const passed = detail.checks.filter((check) => check.passed);
    this.element = el(
      'div',
      { class: 'handshake' },
      el(
        'div',
        { class: 'heads' },
        this.#head('request', 'Request', detail.request),
        this.#head('response', `Response${Number.isFinite(took) && took >= 0 ? ` after ${duration(took)}` : ''}`, detail.response),
      ),
      failed.length > 0 ? el('p', { class: 'checks-sum', text: `${counted(failed.length, 'check')} not passed` }) : null,
      failed.length > 0 ? this.#checkList('Checks that were not passed', failed) : null,
      passed.length > 0
        ? el('details', { class: 'checks-passed' }, el('summary', { class: 'checks-sum', text: `${counted(passed.length, 'check')} passed` }), this.#checkList('Checks that were passed', passed))
        : null,
    );
    this.#tie();
  }

  #checkList(label: string, checks: Check[]): HTMLElement {
    return el('ul', { class: 'checks', 'aria-label': label }, ...checks.map((check) => this.#check(check)));
  }

  #head(side: 'request' | 'response', title: string, text: string | null): HTMLElement {
    const lines = el('ol', { class: 'head-lines mono' });
    for (const [index, line] of (text ?? '').split(/\r?\n/u).entries()) {
      if (line === '') continue;
      const colon = index === 0 ? -1 : line.indexOf(':');
      const name = index === 0 ? 'start-line' : line.slice(0, Math.max(0, colon)).toLowerCase();
      const element =
        colon > 0
          ? el('li', null, el('span', { class: 'head-name', text: line.slice(0, colon + 1) }), line.slice(colon + 1))
          : el('li', { class: index === 0 ? 'head-start' : '', text: line });
      this.#lines.push({ side, name, element });
      lines.append(element);
    }
    return el('figure', { class: 'head' }, el('figcaption', { text: title }), text === null ? el('p', { class: 'soft', text: 'Not captured.' }) : lines);
  }

  #check(check: Check): HTMLElement {
    const element = el(
      'li',
      { class: 'check', tabindex: '0', data: { passed: check.passed, severity: check.severity } },
      icon(check.passed ? 'M3 8.5l3.2 3.2L13 5' : 'M4 4l8 8M12 4l-8 8'),
      el('span', { class: 'check-word', text: check.passed ? 'passed' : check.severity === 'violation' ? 'failed' : check.severity }),
      el(
        'span',
        { class: 'check-text' },
        check.passed ? null : el('strong', { text: `${sentence(check.title)} ` }),
        check.detail ? el('span', { class: 'mono', text: `${check.detail} ` }) : null,
        el('code', { class: 'faint', text: check.rule }),
      ),
      el('a', {
        class: 'mono',
        href: sectionUrl(check.rfc, check.section),
        target: '_blank',
        rel: 'noreferrer',
        'aria-label': `RFC ${check.rfc} §${check.section}`,
        text: `${check.rfc === 6455 ? '' : `${check.rfc} `}§${check.section}`,
      }),
    );
    this.#checks.push({ check, element });
    return element;
  }

  /** Pointing at a check marks its lines, pointing at a line its checks. */
  #tie(): void {
    // The worst comes last, so that a line that several are about shows that one.
    for (const { check, element } of this.#checks.toReversed()) {
      const lines = this.#lines.filter(({ side, name }) => concerns(check.rule, side, name)).map((line) => line.element);
      if (!check.passed) for (const line of blamed(lines, check.detail)) line.dataset.failed = check.severity;
      link(element, lines);
    }
    for (const { side, name, element } of this.#lines) {
      link(element, this.#checks.filter(({ check }) => concerns(check.rule, side, name)).map((check) => check.element));
    }
  }
}

/** Of the lines that a check is about, those that have what it found; all, where none has. */
function blamed(lines: HTMLElement[], detail: string): HTMLElement[] {
  const found = lines.filter(({ textContent: line }) => detail !== '' && (line.includes(detail) || detail.includes(line)));
  return found.length > 0 ? found : lines;
}

function rank({ severity }: Check): number {
  return SEVERITIES.indexOf(severity);
}

function link(element: HTMLElement, others: HTMLElement[]): void {
  const set = (on: boolean): void => {
    for (const each of [element, ...others]) each.classList.toggle('pointed', on && others.length > 0);
  };
  for (const event of ['pointerenter', 'focus']) element.addEventListener(event, () => set(true));
  for (const event of ['pointerleave', 'blur']) element.addEventListener(event, () => set(false));
}

/** Whether a rule is about a line of the head, named by its field in lower case. */
function concerns(rule: string, side: 'request' | 'response', name: string): boolean {
  const about = RULES.find(([prefix]) => rule.startsWith(prefix));
  return about?.[1].some((line) => line === name || line === `${side} ${name}`) ?? false;
}

/** The longer prefix stands before the shorter. */
const RULES: [string, string[]][] = [
  ['handshake-method', ['request start-line']],
  ['handshake-http-version', ['start-line']],
  ['handshake-host', ['request host']],
  ['handshake-upgrade', ['upgrade']],
  ['handshake-connection', ['connection']],
  ['handshake-key', ['request sec-websocket-key']],
  ['handshake-version-refusal', ['response sec-websocket-version', 'response start-line']],
  ['handshake-version', ['request sec-websocket-version']],
  ['handshake-accept', ['response sec-websocket-accept', 'request sec-websocket-key']],
  ['handshake-status', ['response start-line']],
  ['handshake-subprotocol', ['sec-websocket-protocol']],
  ['handshake-extension', ['sec-websocket-extensions']],
  ['deflate-', ['sec-websocket-extensions']],
];
