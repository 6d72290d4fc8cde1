/** Rows as the WebAssembly packs them: one buffer for all that a list shows, instead of a call for each. */

import type { Row, Severity } from '../model.js';

/** Rows in a buffer, as `sockeye-inspect-js` writes them in `rows.rs`. */
export interface PackedRows {
  /** The place in the view of the first. */
  from: number;
  buffer: Uint8Array;
}

/** Bytes of a row before its preview. */
const FIXED = 56;

const NAMES = [
  'continuation', 'text', 'binary', 'reserved-3', 'reserved-4', 'reserved-5', 'reserved-6', 'reserved-7',
  'close', 'ping', 'pong', 'reserved-b', 'reserved-c', 'reserved-d', 'reserved-e', 'reserved-f',
];
const ON_RECORD = ['wire', 'header', 'message'] as const;
const FRAGMENT = ['whole', 'first', 'middle', 'last'] as const;
const SEVERITY: (Severity | null)[] = [null, 'information', 'advice', 'violation'];

/** Reads the rows of a buffer. */
export function decodeRows({ from, buffer }: PackedRows): Row[] {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const text = new TextDecoder();
  const rows: Row[] = [];
  for (let at = 0; at + FIXED <= buffer.byteLength;) {
    const flags = view.getUint16(at + 50, true);
    const kind = view.getUint8(at + 52);
    const inflated = view.getFloat64(at + 32, true);
    const preview = view.getUint16(at + 48, true);
    const end = at + FIXED + preview;
    const opcode = flags & 0xf;
    rows.push({
      row: from + rows.length,
      number: view.getUint32(at + 40, true),
      connection: view.getUint32(at + 44, true),
      direction: flags & 0x10 ? 's2c' : 'c2s',
      time: view.getFloat64(at, true),
      delta: view.getFloat64(at + 8, true),
      opcode,
      name: NAMES[opcode] ?? '',
      fin: (flags & 0x20) !== 0,
      rsv1: (flags & 0x40) !== 0,
      rsv2: (flags & 0x80) !== 0,
      rsv3: (flags & 0x100) !== 0,
      masked: (flags & 0x200) !== 0,
      compressed: (flags & 0x400) !== 0,
      onRecord: ON_RECORD[kind & 3] ?? 'wire',
      fragment: FRAGMENT[(kind >> 2) & 3] ?? 'whole',
      wire: view.getFloat64(at + 16, true),
      payload: view.getFloat64(at + 24, true),
      inflated: Number.isNaN(inflated) ? null : inflated,
      preview: text.decode(buffer.subarray(at + FIXED, end)),
      severity: SEVERITY[(kind >> 4) & 3] ?? null,
    });
    at = end;
  }
  return rows;
}
