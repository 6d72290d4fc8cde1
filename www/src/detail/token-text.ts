/** Characters for bytes, and where in them each byte is: one byte may be several code units, several may be one. */
export interface TokenText {
  text: string;
  /** For each byte and the place behind the last: the code unit of `text` at which it begins. */
  at: Uint32Array;
}

/**
 * Writes bytes so that each can be pointed at: as text with control characters made visible, or in hexadecimal. Bytes that are not UTF-8
 * become `·`; those that continue a character take no room.
 */
export function tokenText(bytes: Uint8Array, isText: boolean): TokenText {
  const at = new Uint32Array(bytes.length + 1);
  const parts: string[] = [];
  let length = 0;
  let offset = 0;
  while (offset < bytes.length) {
    const size = isText ? characterSize(bytes, offset) : 1;
    const part = isText ? character(bytes, offset, size) : `${(bytes[offset] ?? 0).toString(16).padStart(2, '0')} `;
    at[offset] = length;
    length += part.length;
    for (let next = 1; next < size; next += 1) at[offset + next] = length;
    parts.push(part);
    offset += size;
  }
  at[bytes.length] = length;
  return { text: parts.join(''), at };
}

function character(bytes: Uint8Array, offset: number, size: number): string {
  const lead = bytes[offset] ?? 0;
  if (size > 1) return decoder.decode(bytes.subarray(offset, offset + size));
  if (lead >= 0x80) return '·';
  if (lead === 0x0a) return '␊\n';
  if (lead < 0x20) return String.fromCharCode(0x2400 + lead);
  return lead === 0x7f ? '␡' : String.fromCharCode(lead);
}

/** Bytes of the UTF-8 character at `offset`; 1 where there is none. */
function characterSize(bytes: Uint8Array, offset: number): number {
  const lead = bytes[offset] ?? 0;
  const size = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
  for (let next = 1; next < size; next += 1) {
    if (((bytes[offset + next] ?? 0) & 0xc0) !== 0x80) return 1;
  }
  return size;
}

const decoder = new TextDecoder();
