import { state } from '../app/state.js';
import { sectionUrl } from '../detail/fields.js';
import { el } from '../dom.js';
import type { ExportKind, Finding } from '../model.js';

/** Saves the findings: as SARIF, which the worker writes, or as one JSON object a line. */
export async function exportReport(kind: ExportKind): Promise<void> {
  const report = kind === 'sarif' ? await state.client.export('sarif', false) : await lines();
  const url = URL.createObjectURL(report);
  const base = (state.progress?.name ?? 'capture').replace(/\.[^.]+$/u, '');
  el('a', { href: url, download: `${base}-findings.${kind}` }).click();
  // The browser reads the object after the click has returned.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function lines(): Promise<Blob> {
  const parts: string[] = [];
  for (let from = 0; ; from += PAGE) {
    const page: Finding[] = await state.client.findings(null, from, PAGE);
    parts.push(...page.map((finding) => `${line(finding)}\n`));
    if (page.length < PAGE) return new Blob(parts, { type: 'application/jsonl' });
  }
}

/** A finding with the keys that `sockeye inspect` writes; what is not known is left out. */
function line({ strictPeer, ...finding }: Finding): string {
  const help = sectionUrl(finding.rfc, finding.section);
  return JSON.stringify({ ...finding, strict_peer: strictPeer, help }, (_, value: unknown) => (value === null || value === '' ? undefined : value));
}

const PAGE = 5_000;
