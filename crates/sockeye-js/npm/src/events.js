// What the engine says in text, taken apart: see `src/describe.rs`.

import { HandshakeError, ProtocolError, TransportError } from './errors.js';
import { copy, latin1, text } from './core.js';
import { codeOf } from './options.js';

const INITIATORS = ['local', 'peer', 'transport'];

const fields = (lines) =>
  lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1)];
  });

/** @returns {import('./index.js').UpgradeRequest} */
export function request(address, length) {
  const [target, host, origin, subprotocols, ...rest] = latin1(address, length).split('\n');
  const headers = fields(rest);
  const hasOrigin = headers.some(([name]) => name === 'origin');
  return { target, host, origin: hasOrigin ? origin : null, headers, subprotocols: subprotocols ? subprotocols.split(',') : [] };
}

/** @returns {import('./index.js').UpgradeResponse} */
export function response(head, body = new Uint8Array(0)) {
  const [status, ...rest] = head.split('\n');
  return { status: Number(status), headers: fields(rest), body };
}

export function opened(address, length) {
  const [subprotocol, extensions] = latin1(address, length).split('\n');
  return { subprotocol: subprotocol || null, extensions: extensions || null };
}

/** @returns {import('./index.js').Close} */
export function closed(address, length, number) {
  const all = latin1(address, length);
  const end = all.indexOf('\0');
  const reason = text(address, end < 0 ? length : end, false);
  return { code: number & 0xffff, reason, initiator: INITIATORS[(number >> 16) & 3], clean: (number & 0x40000) !== 0, error: end < 0 ? null : failure(all, end, address) };
}

function failure(all, end, address) {
  const parts = [];
  while (parts.length < 5) {
    const next = all.indexOf('\0', end + 1);
    parts.push(all.slice(end + 1, next < 0 ? undefined : next));
    if (next < 0) break;
    end = next;
  }
  const [kind, name, sentence, number, head] = parts;
  const value = Number(number) || null;
  const code = codeOf(name);
  if (kind === 'handshake') {
    const error = new HandshakeError(code, sentence);
    error.status = value;
    // The body may have any bytes: it is the rest.
    if (head !== undefined) error.response = response(head, copy(address + end + 1, all.length - end - 1));
    return error;
  }
  if (kind === 'transport') return new TransportError(code, sentence);
  const error = new ProtocolError(code, sentence);
  error.closeCode = value;
  return error;
}
