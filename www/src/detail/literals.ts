/** How bytes can be copied. */
export const LITERALS = ['hex', 'base64', 'Rust', 'JS', 'text'] as const;

/** One way in which bytes can be copied. */
export type Literal = (typeof LITERALS)[number];

/** `bytes` as something to paste elsewhere. */
export function literal(kind: Literal, bytes: Uint8Array): string {
  switch (kind) {
    case 'hex':
      return Array.from(bytes, hex).join(' ');
    case 'base64':
      return base64(bytes);
    case 'Rust':
      return `b"${Array.from(bytes, rustByte).join('')}"`;
    case 'JS':
      return `new Uint8Array([${Array.from(bytes, (byte) => `0x${hex(byte)}`).join(', ')}])`;
    case 'text':
      return new TextDecoder().decode(bytes);
  }
}

/** One byte as two hexadecimal digits. */
export function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** One byte as a character where ASCII has a printable one, else a dot. */
export function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
}

/** One byte in words for a screen reader, such as `letter H` or `line feed`. */
export function spoken(byte: number): string {
  if (byte >= 0x80) return 'not ASCII';
  return CONTROLS[byte] ?? `character ${String.fromCharCode(byte)}`;
}

function rustByte(byte: number): string {
  if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
  if (byte === 0x0a) return '\\n';
  if (byte === 0x0d) return '\\r';
  if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  return `\\x${hex(byte)}`;
}

function base64(bytes: Uint8Array): string {
  // String.fromCharCode takes its arguments on the stack: a large payload goes in pieces.
  let binary = '';
  for (let at = 0; at < bytes.length; at += 0x2000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x2000));
  }
  return btoa(binary);
}

const CONTROLS: Record<number, string> = {
  0x00: 'null',
  0x09: 'tab',
  0x0a: 'line feed',
  0x0d: 'carriage return',
  0x1b: 'escape',
  0x20: 'space',
  0x7f: 'delete',
  ...Object.fromEntries(
    Array.from({ length: 0x20 }, (_, byte) => byte)
      .filter((byte) => ![0x00, 0x09, 0x0a, 0x0d, 0x1b].includes(byte))
      .map((byte) => [byte, `control ${hex(byte)}`]),
  ),
};
