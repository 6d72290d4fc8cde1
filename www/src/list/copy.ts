import { openMenu } from '../app/menu.js';
import { bytes as size } from '../app/format.js';
import { state } from '../app/state.js';
import type { Bytes } from '../model.js';

/** Opens the menu that copies a frame, beside a rectangle of the viewport. */
export async function openCopyMenu(frame: number, anchor: DOMRect): Promise<void> {
  const detail = await state.client.frame(frame);
  const forms = (what: string, bytes: Bytes) => [
    { heading: `${what}, ${size(bytes.total)}` },
    ...Object.entries(writers).map(([label, write]) => ({
      label,
      hint: '',
      run: () => void copy(`${what} as ${label}`, write(bytes.data), bytes),
    })),
  ];
  openMenu(`Copy frame ${frame}`, anchor, [
    ...(detail.wire.data.length > 0 ? forms('Frame on the wire', detail.wire) : []),
    ...forms('Payload, unmasked', detail.unmasked),
  ]);
}

async function copy(what: string, text: string, bytes: Bytes): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    const cut = bytes.total > bytes.data.length ? `, the first ${size(bytes.data.length)}` : '';
    state.say(`Copied: ${what}${cut}.`);
  } catch {
    state.say('The browser did not let the page write to the clipboard.');
  }
}

const hex = (data: Uint8Array): string[] => Array.from(data, (byte) => byte.toString(16).padStart(2, '0'));

function lines(items: string[], separator: string): string {
  const out: string[] = [];
  for (let at = 0; at < items.length; at += 12) out.push(`  ${items.slice(at, at + 12).join(separator)}`);
  return out.join(`${separator.trimEnd()}\n`);
}

function base64(data: Uint8Array): string {
  const parts: string[] = [];
  // In pieces, because each byte becomes an argument of the call.
  for (let at = 0; at < data.length; at += 0x6000) parts.push(btoa(String.fromCharCode(...data.subarray(at, at + 0x6000))));
  return parts.join('');
}

/** How bytes are written, by the name in the menu. */
export const writers: Record<string, (data: Uint8Array) => string> = {
  Hex: (data) => hex(data).join(' '),
  Base64: base64,
  Rust: (data) => `const FRAME: [u8; ${data.length}] = [\n${lines(hex(data).map((digits) => `0x${digits}`), ', ')},\n];`,
  JavaScript: (data) => `const frame = new Uint8Array([\n${lines(hex(data).map((digits) => `0x${digits}`), ', ')},\n]);`,
};
