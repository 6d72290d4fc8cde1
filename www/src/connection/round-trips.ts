import { count, counted, duration, offset } from '../app/format.js';
import { state } from '../app/state.js';
import { el, svg } from '../dom.js';
import type { ConnectionDetail } from '../model.js';

type RoundTrip = ConnectionDetail['roundTrips'][number];

/** How long Pongs took, over time: a picture, and the same as a table. */
export function roundTripChart({ roundTrips, rtt }: ConnectionDetail): HTMLElement {
  const sum = `${counted(rtt.count, 'Ping')} answered: ${milliseconds(rtt.least)} at best, ${milliseconds(rtt.mean)} in the mean, ${milliseconds(rtt.most)} at worst.`;
  return el(
    'div',
    { class: 'round-trips' },
    el('p', { text: sum }),
    roundTrips.length > 1 ? chart(roundTrips) : null,
    el('details', null, el('summary', { text: `Table of ${counted(roundTrips.length, 'round trip')}` }), table(roundTrips)),
  );
}

function chart(trips: RoundTrip[]): HTMLElement {
  const first = trips[0]?.time ?? 0;
  const span = Math.max((trips.at(-1)?.time ?? 0) - first, 1e-9);
  const top = nice(Math.max(...trips.map(({ ms }) => ms), 1e-3));
  const x = (time: number): number => LEFT + ((time - first) / span) * (WIDTH - LEFT - RIGHT);
  const y = (ms: number): number => TOP + (1 - ms / top) * (HEIGHT - TOP - BOTTOM);
  const shown = thin(trips);
  const grid = [0, top / 2, top].flatMap((ms) => [
    svg('line', { class: 'chart-rule', x1: LEFT, x2: WIDTH - RIGHT, y1: y(ms), y2: y(ms) }),
    svg('text', { class: 'chart-text', x: LEFT - 6, y: y(ms) + 4, 'text-anchor': 'end' }, milliseconds(ms)),
  ]);
  const times = [first, first + span].map((time, index) =>
    svg('text', { class: 'chart-text', x: x(time), y: HEIGHT - 4, 'text-anchor': index === 0 ? 'start' : 'end' }, duration(time)),
  );
  const line = svg('polyline', { class: 'chart-line', points: shown.map(({ time, ms }) => `${x(time).toFixed(1)},${y(ms).toFixed(1)}`).join(' ') });
  const points = shown.map((trip) =>
    svg(
      'circle',
      { class: 'chart-point', cx: x(trip.time).toFixed(1), cy: y(trip.ms).toFixed(1), r: 3, on: { click: () => open(trip.ping) } },
      svg('title', null, `Ping #${count(trip.ping)} at ${offset(trip.time)} s: ${milliseconds(trip.ms)}`),
    ),
  );
  return el(
    'figure',
    { class: 'chart' },
    svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `Round trips over time, up to ${milliseconds(top)}; the table below has every value` }, ...grid, ...times, line, ...points),
  );
}

function table(trips: RoundTrip[]): HTMLElement {
  const body = el('tbody');
  for (const { ping, pong, time, ms } of trips.slice(0, MAX_ROWS)) {
    body.append(el('tr', null, el('td', { text: offset(time) }), el('td', null, frameLink(ping)), el('td', null, frameLink(pong)), el('td', { text: milliseconds(ms) })));
  }
  const rest = trips.length - MAX_ROWS;
  if (rest > 0) body.append(el('tr', null, el('td', { colspan: '4', class: 'soft', text: `and ${count(rest)} more` })));
  return el(
    'table',
    { class: 'numbers' },
    el('thead', null, el('tr', null, ...['Time (s)', 'Ping', 'Pong', 'Round trip'].map((text) => el('th', { scope: 'col', text })))),
    body,
  );
}

/** A button that goes to a frame. */
export function frameLink(frame: number): HTMLElement {
  return el('button', { type: 'button', class: 'link mono', text: `#${count(frame)}`, on: { click: () => open(frame) } });
}

function open(frame: number): void {
  state.select(frame, 'connection');
  state.show('frame');
}

/** At most as many as can be told apart, the slowest of each group. */
function thin(trips: RoundTrip[]): RoundTrip[] {
  const size = Math.ceil(trips.length / MAX_POINTS);
  if (size <= 1) return trips;
  const groups = Array.from({ length: Math.ceil(trips.length / size) }, (_, index) => trips.slice(index * size, (index + 1) * size));
  return groups.map((group) => group.reduce((slowest, trip) => (trip.ms > slowest.ms ? trip : slowest)));
}

/** The next number of the kind 1, 2, 5, 10, 20 … */
function nice(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function milliseconds(ms: number): string {
  return ms === 0 ? '0' : duration(ms / 1000);
}

const WIDTH = 640;
const HEIGHT = 170;
const [TOP, RIGHT, BOTTOM, LEFT] = [10, 10, 20, 58];
const MAX_POINTS = 240;
const MAX_ROWS = 500;
