import { state } from './state.js';
import { openMenu } from './menu.js';
import type { ExportKind } from '../model.js';

const kinds: [ExportKind, string, string][] = [
  ['jsonl', 'JSON lines', '.jsonl'],
  ['csv', 'CSV', '.csv'],
  ['har', 'HAR', '.har'],
  ['pcapng', 'pcapng', '.pcapng'],
  ['hex', 'Hex', '.txt'],
  ['sarif', 'Findings as SARIF', '.sarif'],
];

/** Opens the menu of what can be saved. */
export function openExportMenu(anchor: DOMRect): void {
  const filtered = state.view.filter !== '' || state.view.mode !== 'frames';
  const items = (view: boolean) => kinds.map(([kind, label, suffix]) => ({ label, hint: suffix, run: () => void save(kind, suffix, view) }));
  openMenu('Save as', anchor, [
    ...(filtered ? [{ heading: 'What the list shows' }, ...items(true), { heading: 'The whole capture' }] : []),
    ...items(false),
  ]);
}

async function save(kind: ExportKind, suffix: string, view: boolean): Promise<void> {
  const name = `${(state.progress?.name ?? 'capture').replace(/\.(gz|pcapng|pcap|json|har|mitm|txt|bin)$/i, '')}${suffix}`;
  try {
    const url = URL.createObjectURL(await state.client.export(kind, view));
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    // The download has begun by then; the address is not needed any more.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    state.say(`Saved as ${name}.`);
  } catch (error) {
    state.say((error as Error).message);
  }
}
