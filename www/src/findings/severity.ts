import { el, icon } from '../dom.js';
import type { Severity } from '../model.js';

/** A severity as an icon and a word, never as a colour alone. */
export function severityChip(severity: Severity): HTMLElement {
  return el('span', { class: 'chip severity', data: { severity } }, icon(ICONS[severity]), severity);
}

/** The severities, the worst first. */
export const SEVERITIES: Severity[] = ['violation', 'advice', 'information'];

/** What a severity stands for in the RFC's words. */
export const SEVERITY_MEANING: Record<Severity, string> = {
  violation: 'against a MUST',
  advice: 'against a SHOULD, wasteful, or unsafe',
  information: 'allowed, and worth knowing',
};

/** As in the list of frames. */
const ICONS: Record<Severity, string> = {
  violation: 'M8 1.5 14.5 8 8 14.5 1.5 8ZM8 4.8V8.6M8 11v.1',
  advice: 'M8 2.2 14.6 13.6H1.4ZM8 6.4V9.6M8 11.6v.1',
  information: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8ZM8 7.2V11.2M8 4.7v.1',
};
