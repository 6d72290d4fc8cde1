// What is sent, and which of our bars it is held to.

import { BINARY, TEXT, ascii, cjk, compressed, frame, json, noise } from './frames.mjs';

const KIB = 1024, MIB = 1024 * 1024;

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {number} connections
 * @property {number} inFlight How many messages a connection sends in one write; once all are answered, it sends as many again.
 * @property {number | 'default'} [windowBits] With permessage-deflate, and windows of this size, or as each does it by default.
 * @property {number} [bar] At most how many times the processor time of `ws` with bufferutil.
 * @property {string} [words] The same as a person says it.
 * @property {() => { payloads: Buffer[], bursts: Buffer[] }} make What connections send in turn, and the messages of the first burst.
 */

const same = (opcode, payload, inFlight) => () => ({ payloads: Array(inFlight).fill(payload), bursts: [Buffer.concat(Array(inFlight).fill(frame(opcode, payload)))] });

/**
 * Messages of about this length, each a little shorter than the one before. On some processors a copy takes several times as long when source and
 * destination lie a few bytes apart modulo 4 KiB: with one length, it would be chance on which server that falls.
 */
function about(length, inFlight) {
  return () => {
    const payloads = Array.from({ length: 16 }, (_, index) => noise(length - index * 60));
    const frames = payloads.map((payload) => frame(BINARY, payload));
    const bursts = frames.map((_, first) => Buffer.concat(Array.from({ length: inFlight }, (_, index) => frames[(first + index) % frames.length])));
    return { payloads: payloads.slice(0, inFlight), bursts };
  };
}

/** More messages than a window of 32 KiB holds, so that none is a repetition. */
function distinct() {
  const messages = Array.from({ length: 512 }, (_, seed) => json(125, seed));
  return { payloads: [messages[0]], bursts: messages.map((message) => compressed(TEXT, message)) };
}

/** @type {Scenario[]} */
export const SCENARIOS = [
  { name: '125 B one by one', connections: 50, inFlight: 1, bar: 1.1, words: '≤ 1.1×', make: same(BINARY, noise(125), 1) },
  { name: '125 B, 100 in flight', connections: 10, inFlight: 100, bar: 1 / 5, words: '≥ 5× less', make: same(BINARY, noise(125), 100) },
  { name: '16 KiB one by one', connections: 20, inFlight: 1, bar: 1.3, words: '≤ 1.3×', make: about(16 * KIB, 1) },
  { name: '16 KiB, 8 in flight', connections: 20, inFlight: 8, bar: 1.3, words: '≤ 1.3×', make: about(16 * KIB, 8) },
  { name: '1 MiB one by one', connections: 4, inFlight: 1, bar: 1.3, words: '≤ 1.3×', make: about(MIB, 1) },
  { name: '125 B ASCII text one by one', connections: 50, inFlight: 1, make: same(TEXT, ascii(125), 1) },
  { name: '125 B CJK text one by one', connections: 50, inFlight: 1, make: same(TEXT, cjk(125), 1) },
  { name: '125 B JSON deflated, defaults', connections: 50, inFlight: 1, windowBits: 'default', bar: 1 / 5, words: '≥ 5× faster', make: distinct },
  { name: '125 B JSON deflated, 15 bits', connections: 50, inFlight: 1, windowBits: 15, bar: 1 / 5, words: '≥ 5× faster', make: distinct },
  { name: '125 B JSON deflated, 12 bits', connections: 50, inFlight: 1, windowBits: 12, bar: 1 / 5, words: '≥ 5× faster', make: distinct },
];
