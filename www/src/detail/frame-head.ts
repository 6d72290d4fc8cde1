import { count, counted, from, offset } from '../app/format.js';
import { state } from '../app/state.js';
import { el, fill, icon } from '../dom.js';
import { severityChip } from '../findings/severity.js';
import type { Finding, FrameDetail, MessageDetail } from '../model.js';
import { closeCode } from './close-codes.js';
import { sectionUrl } from './fields.js';

/** The line above a frame: its number, type, way, time and size. */
export function frameHead({ row }: FrameDetail): HTMLElement {
  const title = el(
    'h2',
    { class: 'detail-title' },
    row.onRecord === 'message' ? 'Message ' : 'Frame ',
    el('span', { class: 'mono', text: `#${count(row.number)}` }),
  );
  const facts = el(
    'p',
    { class: 'detail-facts' },
    el('span', { class: 'type-chip', data: { type: typeOf(row.opcode) }, text: row.name }),
    el(
      'span',
      { class: 'way', data: { direction: row.direction } },
      icon(row.direction === 'c2s' ? 'M8 13.5v-11M3.5 7L8 2.5L12.5 7' : 'M8 2.5v11M3.5 9L8 13.5L12.5 9'),
      row.direction === 'c2s' ? 'client to server' : 'server to client',
    ),
    el('button', {
      type: 'button',
      class: 'link',
      text: `connection ${count(row.connection)}`,
      on: {
        click: () => {
          state.selectConnection(row.connection);
          state.show('connection');
        },
      },
    }),
    Number.isFinite(row.time) ? el('span', { class: 'mono', title: 'seconds since the first packet', text: `${offset(row.time)} s` }) : null,
    Number.isFinite(row.delta) && row.delta > 0 ? el('span', { class: 'mono faint', title: 'since the row before', text: `+${offset(row.delta)}` }) : null,
  );
  return el('header', { class: 'detail-head' }, title, facts);
}

/** `text`, `binary`, `close`, `control` or `data`: what decides a frame's colour. */
export function typeOf(opcode: number): string {
  if (opcode === 1) return 'text';
  if (opcode === 2) return 'binary';
  if (opcode === 8) return 'close';
  return opcode > 8 ? 'control' : 'data';
}

/** What a Close frame says, in words; `null` for other frames. */
export function closeNote({ row, close }: FrameDetail): HTMLElement | null {
  if (!close || row.opcode !== 8) return null;
  if (close.code === null) {
    return el('p', { class: 'close-note' }, el('strong', { text: 'No code.' }), ' The application at the other side is told 1005, no status received.');
  }
  const { name, meaning, onWire } = closeCode(close.code);
  return el(
    'p',
    { class: 'close-note' },
    el('strong', { class: 'mono', text: String(close.code) }),
    ' ',
    el('strong', { text: close.codeName || name }),
    ` – ${meaning}`,
    close.reason ? ' Reason: ' : '',
    close.reason ? el('q', { text: close.reason }) : null,
    onWire ? null : el('span', { class: 'close-invalid', text: ' This code must not be on the wire.' }),
  );
}

/** Links to all frames of a fragmented message; `null` where there is one. */
export function fragments({ row }: FrameDetail, message: MessageDetail): HTMLElement | null {
  const { frames } = message;
  if (frames.length < 2) return null;
  const at = frames.indexOf(row.number);
  const from = Math.max(0, Math.min(at - 8, frames.length - MAX_LINKS));
  const shown = frames.slice(from, from + MAX_LINKS);
  const list = el('ol', { class: 'fragments', 'aria-label': 'Frames of this message' });
  if (from > 0) list.append(el('li', { class: 'faint', text: `${count(from)} before` }));
  for (const number of shown) {
    list.append(
      el(
        'li',
        null,
        el('button', {
          type: 'button',
          class: 'link mono',
          'aria-current': number === row.number ? 'true' : false,
          text: `#${count(number)}`,
          on: { click: () => state.select(number, 'detail') },
        }),
      ),
    );
  }
  const after = frames.length - from - shown.length;
  if (after > 0) list.append(el('li', { class: 'faint', text: `${count(after)} after` }));
  return el(
    'div',
    { class: 'fragments-note' },
    el('span', { text: `Frame ${count(at + 1)} of ${counted(frames.length, 'frame')}${message.complete ? '' : ', unfinished'}:` }),
    list,
  );
}

/** The findings of a frame, each with what the rule says. `point` marks its bytes. */
export function findingList(findings: Finding[], point: (finding: Finding, held: boolean) => void, leave: () => void): HTMLElement | null {
  if (findings.length === 0) return null;
  return el('ul', { class: 'frame-findings', 'aria-label': 'Findings' }, ...findings.map((finding) => findingItem(finding, point, leave)));
}

function findingItem(finding: Finding, point: (finding: Finding, held: boolean) => void, leave: () => void): HTMLElement {
  const hasBytes = (finding.place === 'frame' || finding.place === 'inflated') && finding.end > finding.start;
  const where = hasBytes ? byteRange(finding) : '';
  return el(
    'li',
    {
      data: { severity: finding.severity },
      on: { pointerenter: () => hasBytes && point(finding, false), pointerleave: leave },
    },
    el(
      'details',
      null,
      el(
        'summary',
        null,
        severityChip(finding.severity),
        el('strong', { text: sentence(finding.title) }),
        finding.detail ? el('span', { class: 'soft', text: finding.detail }) : null,
        el('span', { class: 'finding-section mono', text: `§${finding.section}` }),
      ),
      el('p', { text: finding.explanation }),
      el('p', { class: 'soft' }, `A strict ${finding.direction ? from(finding.direction === 'c2s' ? 's2c' : 'c2s') : 'peer'} ${finding.strictPeer}.`),
      el(
        'p',
        { class: 'finding-links' },
        el('a', { href: sectionUrl(finding.rfc, finding.section), target: '_blank', rel: 'noreferrer', text: `RFC ${finding.rfc} §${finding.section}` }),
        hasBytes ? el('button', { type: 'button', class: 'link', text: `show ${where}`, on: { click: () => point(finding, true) } }) : null,
        el('button', {
          type: 'button',
          class: 'link',
          text: `all of ${finding.rule}`,
          on: {
            click: () => {
              state.show('findings');
              void state.setView({ filter: `rule:${finding.rule}` });
            },
          },
        }),
      ),
    ),
  );
}

function byteRange({ start, end, bit, place }: Finding): string {
  const range = end - start === 1 ? `byte ${count(start)}` : `bytes ${count(start)}–${count(end - 1)}`;
  return `${range}${bit === null ? '' : `, bit ${bit}`}${place === 'inflated' ? ' of the compressed message' : ''}`;
}

/** With a capital letter at its beginning, unless it begins with a name in code. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Fills `parent` with what is there of these. */
export function fillKnown(parent: HTMLElement, ...children: (Node | null)[]): void {
  fill(parent, ...children);
  parent.hidden = children.every((child) => child === null);
}

const MAX_LINKS = 24;
