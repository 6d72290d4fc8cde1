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

const ICONS: Record<Severity, string> = {
  violation: 'M5 1.5h6l3.5 3.5v6L11 14.5H5L1.5 11V5zM8 4.5v4.2M8 11.2v.1',
  advice: 'M8 2l6.5 11.5h-13zM8 6.5v3.2M8 11.6v.1',
  information: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13M8 7.3v4M8 4.8v.1',
};
