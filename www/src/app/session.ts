import { CaptureClient } from '../client.js';
import type { OpenOptions, Progress } from '../model.js';
import { readHash, type Place } from './hash.js';
import { state } from './state.js';

/** A capture that comes with the page. */
export interface Sample {
  file: string;
  name: string;
  description: string;
}

/** What is open: a sample, files of the user, or a recording under way. */
export type Source = { kind: 'sample'; file: string } | { kind: 'files'; files: File[] } | { kind: 'live'; token: string };

/** What is known of a recording before it has anything. */
const waiting: Progress = {
  name: 'Recording', bytes: 0, total: 0, format: null, frames: 0, connections: 0, findings: 0, rows: 0, start: Number.NaN, duration: 0, done: false, problems: [], live: true, behind: 0,
};

let source: Source | null = null;
let turn = 0;
let wanted: number | null = null;
/** Whether everything is read, and the rows of the view are counted. */
let counted = false;
/** Whether the first frame was selected, because no other was asked for. */
let begun = false;
let loaded: Promise<void> | null = null;

/** What is open. */
export function opened(): Source | null {
  return source;
}

/** Starts the worker, once; every opening waits for it. */
export function start(failed: (error: Error) => void): Promise<void> {
  loaded ??= CaptureClient.create().catch((error: Error) => {
    throw new Error(`The page cannot start: ${error.message}`);
  }).then((client) => {
    state.attach(client);
    client.addEventListener('progress', (event) => {
      if (source === null) return;
      state.setProgress((event as CustomEvent).detail);
      selectWanted();
    });
    client.addEventListener('error', (event) => failed((event as CustomEvent<Error>).detail));
  });
  return loaded;
}

/**
 * Opens files in place of what is open. Key logs alone are added to the files that are open. Resolves when all is read; fails with
 * a sentence when nothing can be.
 */
export async function openFiles(files: File[], options: OpenOptions = {}): Promise<void> {
  if (files.length === 0) return;
  let all = files;
  if (source?.kind === 'files' && (await Promise.all(files.map(isKeyLog))).every(Boolean)) all = [...source.files, ...files];
  await open({ kind: 'files', files: all }, {}, () => state.client.open(all, options));
}

/** Reads the open files again with other presumptions. */
export async function openAgain(options: OpenOptions): Promise<void> {
  if (source?.kind === 'files') await openFiles(source.files, options);
}

/** Opens a sample, at a place in it. */
export async function openSample(sample: Pick<Sample, 'file' | 'name'>, place: Place = {}): Promise<void> {
  await open({ kind: 'sample', file: sample.file }, place, () => state.client.openUrl(`samples/${encodeURIComponent(sample.file)}`, sample.name));
}

/** Follows the recording of the server that this page comes from. */
export async function openLive(token: string, place: Place = {}): Promise<void> {
  await open({ kind: 'live', token }, place, () => state.client.openLive('.', token));
}

/** The samples that come with the page; none when there is no list of them. */
export async function samples(): Promise<Sample[]> {
  try {
    const response = await fetch('samples/index.json');
    return response.ok ? ((await response.json()) as Sample[]) : [];
  } catch {
    return [];
  }
}

/** Goes to a frame as soon as it is read. */
export function goTo(frame: number): void {
  wanted = frame;
  selectWanted();
}

/** Lets go of what is open. */
export async function close(): Promise<void> {
  if (source === null) return;
  turn += 1;
  source = null;
  state.reset(false);
  await state.client.close();
}

async function open(what: Source, place: Place, read: () => Promise<void>): Promise<void> {
  if (!loaded) throw new Error('the worker is not started');
  await loaded;
  const mine = ++turn;
  source = null;
  const closing = state.client.close();
  const reading = read();
  try {
    // Once it is closed, nothing more is told of what was open before.
    await closing;
    if (mine !== turn) return;
    source = what;
    wanted = place.frame ?? null;
    counted = false;
    begun = false;
    state.reset(true);
    if (place.pane) state.show(place.pane);
    if (what.kind === 'live') state.setProgress(waiting);
    const told = new Promise((resolve) => state.client.addEventListener('progress', resolve, { once: true }));
    await Promise.race([told, reading]);
    if (mine !== turn) return;
    const view = { filter: place.filter ?? '', mode: place.mode ?? state.view.mode };
    if (view.filter === '' && view.mode === 'frames') state.expect(view, state.progress?.frames ?? 0);
    const problem = await state.setView(view);
    if (problem) {
      state.say(`The filter of the address is left out: ${problem.message}`);
      await state.setView({ ...view, filter: '' });
    }
    await reading;
    if (mine !== turn) return;
    await state.recount();
    counted = true;
    selectWanted();
  } catch (error) {
    if (mine !== turn) return;
    source = null;
    state.reset(false);
    throw error;
  }
}

function selectWanted(): void {
  const { progress, view } = state;
  if (!progress || state.count === 0) return;
  if (wanted !== null) {
    // Which row it has in a filtered view is known when every frame before it was looked at.
    const isKnown = view.filter === '' && view.mode === 'frames' ? wanted < state.count : wanted < progress.frames && (counted || progress.live);
    if (isKnown) {
      state.select(wanted, 'hash');
      wanted = null;
    } else if (counted) wanted = null;
  } else if (state.selected === null && source?.kind !== 'live' && !begun) {
    // Something to see at once; once only, because whoever scrolls meanwhile is not to be called back. A recording is followed, also to its end.
    begun = true;
    void state.client.rows(0, 1).then(([row]) => {
      if (row && state.selected === null) state.select(row.number, 'app', row.connection);
    });
  }
}

async function isKeyLog(file: File): Promise<boolean> {
  const beginning = await file.slice(0, 4096).text();
  return /^(CLIENT_RANDOM|(CLIENT|SERVER)_(HANDSHAKE_)?TRAFFIC_SECRET(_0)?|CLIENT_EARLY_TRAFFIC_SECRET|EXPORTER_SECRET) [0-9a-f]{64} /im.test(beginning);
}

/** Opens what the address names. Gives whether it names anything. */
export async function openFromHash(list: Sample[]): Promise<boolean> {
  const place = readHash();
  if (place.live) {
    await openLive(place.live, place);
    return true;
  }
  const sample = list.find((candidate) => candidate.file === place.sample);
  if (!sample) return false;
  await openSample(sample, place);
  return true;
}
