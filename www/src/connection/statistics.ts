import { bytes, count, duration, percent } from '../app/format.js';
import { state } from '../app/state.js';
import { el } from '../dom.js';
import type { ConnectionDetail, Traffic } from '../model.js';

/** What went over a connection in each direction, what the protocol cost, and what compression saved. */
export function statistics(detail: ConnectionDetail): HTMLElement {
  const [up, down] = detail.traffic;
  return el(
    'div',
    { class: 'statistics' },
    table(up, down),
    el(
      'div',
      { class: 'bars' },
      ...(['client', 'server'] as const).map((who, index) => wireBar(who, index === 0 ? up : down, Math.max(wire(up), wire(down)))),
      ...compression(detail),
    ),
  );
}

function table(up: Traffic, down: Traffic): HTMLElement {
  const body = el('tbody');
  for (const [label, value, hint] of ROWS) {
    body.append(el('tr', null, el('th', { scope: 'row', title: hint ?? null, text: label }), el('td', null, value(up)), el('td', null, value(down))));
  }
  return el(
    'table',
    { class: 'numbers' },
    el('caption', { class: 'spoken', text: 'Traffic in each direction' }),
    el('thead', null, el('tr', null, el('td'), el('th', { scope: 'col', class: 'up', text: '↑ from client' }), el('th', { scope: 'col', class: 'down', text: '↓ from server' }))),
    body,
  );
}

const ROWS: [string, (traffic: Traffic) => string | Node, string?][] = [
  ['Frames', ({ frames }) => count(frames)],
  ['Control frames', ({ controlFrames }) => count(controlFrames)],
  ['Messages', ({ messages }) => count(messages)],
  ['Payload', ({ payloadBytes }) => bytes(payloadBytes), 'on the wire, before inflation'],
  ['Headers', (traffic) => `${bytes(traffic.headerBytes)} (${percent(wire(traffic) === 0 ? 0 : traffic.headerBytes / wire(traffic))})`, 'masking keys among them'],
  ['Masking keys', ({ maskBytes }) => bytes(maskBytes)],
  ['Mean payload of a frame', ({ payloadBytes, frames }) => (frames === 0 ? '–' : bytes(Math.round(payloadBytes / frames)))],
  ['Longest message', longest],
  ['Longest gap', ({ longestGap, frames }) => (frames < 2 ? '–' : duration(longestGap)), 'between two frames'],
  ['Not captured', ({ missingBytes }) => (missingBytes === 0 ? 'nothing' : bytes(missingBytes))],
];

function longest({ longestMessage, longestMessageFrame, messages }: Traffic): string | Node {
  if (messages === 0) return '–';
  const text = `${bytes(longestMessage)} in #${count(longestMessageFrame)}`;
  return el('button', {
    type: 'button',
    class: 'link',
    text,
    on: {
      click: () => {
        state.select(longestMessageFrame, 'connection');
        state.show('frame');
      },
    },
  });
}

function wire({ headerBytes, payloadBytes }: Traffic): number {
  return headerBytes + payloadBytes;
}

/** What the bytes of a direction were spent on; its length compares the directions. */
function wireBar(who: 'client' | 'server', traffic: Traffic, most: number): HTMLElement {
  const parts: [string, string, number][] = [
    ['payload', 'payload', traffic.payloadBytes],
    ['header', 'headers', traffic.headerBytes - traffic.maskBytes],
    ['mask', 'masking keys', traffic.maskBytes],
  ];
  return bar(
    `From ${who}: ${bytes(wire(traffic))} on the wire`,
    parts.map(([kind, label, size]) => ({ kind: kind === 'payload' ? who : kind, label, size })),
    most,
  );
}

function compression({ traffic: [up, down], saved }: ConnectionDetail): HTMLElement[] {
  const compressed = up.compressedBytes + down.compressedBytes;
  const inflated = up.inflatedBytes + down.inflatedBytes;
  const messages = up.compressedMessages + down.compressedMessages;
  if (messages === 0) return [];
  const verdict =
    saved >= 0
      ? `permessage-deflate saved ${bytes(saved)}: ${count(messages)} messages took ${percent(inflated === 0 ? 1 : compressed / inflated)} of their size`
      : `permessage-deflate cost ${bytes(-saved)}: the messages grew`;
  return [
    bar(
      verdict,
      saved >= 0
        ? [{ kind: 'sent', label: 'sent', size: compressed }, { kind: 'saved', label: 'saved', size: saved }]
        : [{ kind: 'sent', label: 'plain size', size: inflated }, { kind: 'cost', label: 'cost', size: -saved }],
      Math.max(inflated, compressed),
    ),
  ];
}

function bar(title: string, parts: { kind: string; label: string; size: number }[], most: number): HTMLElement {
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  return el(
    'figure',
    { class: 'bar-figure' },
    el('figcaption', { text: title }),
    el(
      'div',
      { class: 'stack', 'aria-hidden': 'true', style: { width: `${most === 0 ? 0 : Math.max(0.5, (100 * total) / most)}%` } },
      ...parts.filter(({ size }) => size > 0).map(({ kind, size }) => el('span', { data: { kind }, style: { 'flex-grow': String(size) } })),
    ),
    el(
      'ul',
      { class: 'stack-legend' },
      ...parts
        .filter(({ size }) => size > 0)
        .map(({ kind, label, size }) =>
          el('li', null, el('span', { class: 'stack-swatch', 'aria-hidden': 'true', data: { kind } }), `${label} ${bytes(size)} (${percent(total === 0 ? 0 : size / total)})`),
        ),
    ),
  );
}
