import type { Highlight, Space } from '../app/state.js';
import type { FrameDetail, MessageDetail } from '../model.js';

/** A range of bytes; `end` is exclusive. */
export interface Range {
  start: number;
  end: number;
}

/**
 * Carries a range from one space to another: from the wire to the payload, to the message's joined payload (`message`), to what it
 * inflates to (`inflated`), and back. `null`: nothing there corresponds to it, or it is not known.
 *
 * `base` is where the frame's payload begins in the joined one.
 */
export function carry(from: Highlight, to: Space, detail: FrameDetail, message: MessageDetail | null, base: number | null): Range | null {
  const path = SPACES.indexOf(to) - SPACES.indexOf(from.space);
  let range: Range | null = { start: from.start, end: from.end };
  let at = SPACES.indexOf(from.space);
  for (let step = 0; step < Math.abs(path) && range; step += 1) {
    const next = at + Math.sign(path);
    range = carryStep(range, at, next, detail, message, base);
    at = next;
  }
  return range && range.start < range.end ? range : null;
}

function carryStep(range: Range, from: number, to: number, detail: FrameDetail, message: MessageDetail | null, base: number | null): Range | null {
  const header = detail.header.length;
  const payload = detail.row.payload;
  switch (`${SPACES[from]}-${SPACES[to]}`) {
    case 'wire-unmasked':
      return within({ start: range.start - header, end: range.end - header }, payload);
    case 'unmasked-wire':
      return detail.row.onRecord === 'wire' ? { start: range.start + header, end: range.end + header } : null;
    case 'unmasked-message':
      return base === null ? null : { start: range.start + base, end: range.end + base };
    case 'message-unmasked':
      return base === null ? null : within({ start: range.start - base, end: range.end - base }, payload);
    case 'message-inflated':
      return message ? inflatedRange(message, range) : null;
    case 'inflated-message':
      return message ? compressedRange(message, range) : null;
    default:
      return null;
  }
}

/** What some compressed bytes inflate to: whatever the tokens that touch them stand for. */
export function inflatedRange(message: MessageDetail, range: Range): Range | null {
  return cover(
    message.tokens.filter(({ bits }) => bits[0] < range.end * 8 && range.start * 8 < bits[1]).map(({ inflated }) => inflated),
  );
}

/** The compressed bytes that hold the tokens for some inflated ones. */
export function compressedRange(message: MessageDetail, range: Range): Range | null {
  const bits = cover(
    message.tokens.filter(({ inflated }) => inflated[0] < range.end && range.start < inflated[1]).map(({ bits: of }) => of),
  );
  return bits && { start: Math.floor(bits.start / 8), end: Math.ceil(bits.end / 8) };
}

function cover(ranges: [number, number][]): Range | null {
  if (ranges.length === 0) return null;
  return ranges.reduce<Range>(
    (all, [start, end]) => ({ start: Math.min(all.start, start), end: Math.max(all.end, end) }),
    { start: Infinity, end: 0 },
  );
}

function within({ start, end }: Range, length: number): Range | null {
  const cut = { start: Math.max(0, start), end: Math.min(length, end) };
  return cut.start < cut.end ? cut : null;
}

const SPACES: Space[] = ['wire', 'unmasked', 'message', 'inflated'];
