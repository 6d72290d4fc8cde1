import { duration, from, offset } from '../app/format.js';
import { closeCode } from '../detail/close-codes.js';
import { sentence } from '../detail/frame-head.js';
import { el } from '../dom.js';
import type { Closing, ConnectionDetail } from '../model.js';
import { frameLink } from './round-trips.js';

/** How a connection ended: a sentence, then who did what and when. */
export function closingSteps({ end, closing }: ConnectionDetail): HTMLElement {
  return el(
    'div',
    { class: 'closing' },
    el('p', { text: /[.!?]$/u.test(end) ? sentence(end) : `${sentence(end)}.` }),
    closing.length > 0 ? el('ol', { class: 'closing-steps' }, ...closing.map((step, index) => item(step, closing[index - 1] ?? null, closing[0] ?? step))) : null,
  );
}

function item(step: Closing, before: Closing | null, first: Closing): HTMLElement {
  const after = before ? step.time - before.time : NaN;
  return el(
    'li',
    { data: { direction: step.direction, what: step.what } },
    el('span', { class: 'closing-time mono' }, Number.isFinite(after) ? `+${duration(after)}` : Number.isFinite(step.time) ? `${offset(step.time)} s` : '–'),
    el(
      'span',
      { class: 'closing-text' },
      el('strong', { text: `The ${from(step.direction)} ` }),
      ...what(step, first),
      step.frame === null ? null : el('span', null, ' in ', frameLink(step.frame)),
    ),
  );
}

function what(step: Closing, first: Closing): (Node | string)[] {
  if (step.what === 'fin') return ['ends its stream (TCP FIN)'];
  if (step.what === 'reset') return ['resets the connection (TCP RST)'];
  const answers = first.what === 'close' && first !== step && first.direction !== step.direction;
  const verb = !answers ? 'sends Close' : first.code === step.code ? 'echoes the Close' : 'answers with another Close';
  if (step.code === null) return [`${verb} without a code`];
  const name = step.codeName || closeCode(step.code).name;
  const words: (Node | string)[] = [`${verb} `, el('strong', { class: 'mono', text: String(step.code) }), ` ${name}`];
  if (step.reason) words.push(', ', el('q', { text: step.reason }));
  return words;
}
