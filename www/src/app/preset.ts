import { el } from '../dom.js';
import type { DeflateParameters, Preset } from '../model.js';

/** Asks how to read bytes that come without a handshake; `null`: as before. */
export function presetForm(): Promise<Preset | null> {
  return new Promise((resolve) => {
    const direction = select('preset-direction', [['', 'By the mask: a client masks'], ['c2s', 'The client sent them'], ['s2c', 'The server sent them']]);
    const deflate = select('preset-deflate', [['', 'Where RSV1 says so'], ['on', 'permessage-deflate, context kept'], ['reset', 'permessage-deflate, context reset by both'], ['off', 'Not in force']]);
    const bits = select('preset-bits', [15, 14, 13, 12, 11, 10, 9, 8].map((value) => [String(value), `${value} bits`]));
    let chosen: Preset | null = null;
    const form = el('form', { method: 'dialog' },
      el('h2', { text: 'How to read these bytes' }),
      el('label', { for: 'preset-direction', text: 'Direction' }), direction,
      el('label', { for: 'preset-deflate', text: 'Compression' }), deflate,
      el('label', { for: 'preset-bits', text: 'Window' }), bits,
      el('div', { class: 'buttons' },
        el('button', { type: 'button', text: 'Cancel', on: { click: () => dialog.close() } }),
        el('button', { class: 'primary', type: 'submit', text: 'Read again' }),
      ),
    );
    const dialog = el('dialog', { class: 'preset', 'aria-label': 'How to read these bytes' }, form);
    form.addEventListener('submit', () => {
      chosen = {};
      if (direction.value === 'c2s' || direction.value === 's2c') chosen.direction = direction.value;
      if (deflate.value === 'off') chosen.deflate = 'off';
      else if (deflate.value !== '') chosen.deflate = parameters(deflate.value === 'reset', Number(bits.value));
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(chosen);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

function parameters(reset: boolean, windowBits: number): DeflateParameters {
  return { serverNoContextTakeover: reset, clientNoContextTakeover: reset, serverMaxWindowBits: windowBits, clientMaxWindowBits: windowBits };
}

function select(id: string, options: [string, string][]): HTMLSelectElement {
  return el('select', { id }, ...options.map(([value, text]) => el('option', { value, text })));
}
