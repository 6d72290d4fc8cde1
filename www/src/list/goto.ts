import { count } from '../app/format.js';
import { el } from '../dom.js';

/** Asks for the number of a frame; `null`: none was chosen. */
export function goTo(frames: number): Promise<number | null> {
  return new Promise((resolve) => {
    const input = el('input', {
      id: 'goto-frame', type: 'text', inputmode: 'numeric', autocomplete: 'off', 'aria-describedby': 'goto-range',
    });
    const range = el('p', { id: 'goto-range', class: 'faint', text: `0 to ${count(Math.max(0, frames - 1))}` });
    let chosen: number | null = null;
    const form = el(
      'form',
      { method: 'dialog' },
      el('label', { for: 'goto-frame', text: 'Go to frame' }),
      input,
      el('button', { class: 'primary', type: 'submit', text: 'Go' }),
      range,
    );
    const dialog = el('dialog', { class: 'goto', 'aria-label': 'Go to frame' }, form);
    form.addEventListener('submit', (event) => {
      const number = Number(input.value.replace(/[,_\s]/g, ''));
      if (input.value.trim() !== '' && Number.isInteger(number) && number >= 0 && number < frames) {
        chosen = number;
        return;
      }
      event.preventDefault();
      input.setAttribute('aria-invalid', 'true');
      range.textContent = `There is no such frame: 0 to ${count(Math.max(0, frames - 1))}.`;
    });
    dialog.addEventListener('click', (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(chosen);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
