// Frames as a client sends them, and messages to put into them. All are made before anything is measured.

import { deflateRawSync } from 'node:zlib';

export const TEXT = 0x1, BINARY = 0x2, CLOSE = 0x8, PONG = 0xa;
const FIN = 0x80, RSV1 = 0x40, MASK = 0x80;

/**
 * One masked frame (RFC 6455 §5.2).
 * @param {number} opcode
 * @param {Buffer} payload
 * @param {{ isCompressed?: boolean }} [options]
 */
export function frame(opcode, payload, { isCompressed = false } = {}) {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const bytes = Buffer.alloc(2 + extended + 4 + length);
  bytes[0] = FIN | (isCompressed ? RSV1 : 0) | opcode;
  bytes[1] = MASK | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) bytes.writeUInt16BE(length, 2);
  if (extended === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  const key = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
  key.copy(bytes, 2 + extended);
  for (let at = 0; at < length; at += 1) bytes[6 + extended + at] = payload[at] ^ key[at & 3];
  return bytes;
}

/** A frame with a message compressed by itself: it refers to none before it (RFC 7692 §7.2.1). */
export function compressed(opcode, payload) {
  // All but the last four bytes of an empty block that a flush ends with.
  const deflated = deflateRawSync(payload, { level: 6, finishFlush: 2 }).subarray(0, -4);
  return frame(opcode, deflated, { isCompressed: true });
}

/** The Close frame that ends a connection in order. */
export const closeFrame = frame(CLOSE, Buffer.from([0x03, 0xe8]));

/** Bytes without a pattern, the same in every run. */
export function noise(length) {
  const bytes = Buffer.alloc(length);
  let state = 0x2545f491;
  for (let at = 0; at < length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

/** ASCII text. */
export const ascii = (length) => Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(1 + length / 45).slice(0, length));

/** Chinese text, three bytes for each character, and ASCII for what is left. */
export const cjk = (length) => Buffer.from('工欲善其事必先利其器'.repeat(1 + length / 30).slice(0, Math.floor(length / 3)) + '.'.repeat(length % 3));

/** JSON of this length, of which no two seeds give the same. */
export function json(length, seed) {
  const digits = noise(4 * (seed + 1)).readUInt32LE(4 * seed);
  const fields = { id: seed, type: 'trade', symbol: ['BTCUSD', 'ETHUSD', 'SOLEUR'][seed % 3], price: digits / 1000, size: digits % 977, at: 1_763_800_000_000 + (digits % 1_000_000), tag: '' };
  fields.tag = 'abcdefghijklmnopqrstuvwxyz'.repeat(5).slice(digits % 26, (digits % 26) + length - JSON.stringify(fields).length);
  return Buffer.from(JSON.stringify(fields));
}
