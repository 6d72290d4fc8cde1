/** What the page and the worker say to each other. */

import type {
  Completion, ConnectionDetail, ConnectionSummary, ExportKind, FilterTerm, Finding, FrameDetail, Histogram, MessageDetail,
  OpenOptions, Progress, RuleCount, View, ViewResult,
} from '../model.js';
import type { PackedRows } from './rows.js';

type Answer<Value> = Value | Promise<Value>;

/** What the page asks of the worker. */
export interface Methods {
  /** Loads the module at this address; it is asked first. */
  ready(module: string): Answer<void>;
  open(files: File[], options: OpenOptions): Answer<void>;
  openUrl(url: string, name: string): Answer<void>;
  openLive(base: string, token: string): Answer<void>;
  close(): Answer<void>;
  setView(view: View): Answer<ViewResult>;
  rows(from: number, count: number): Answer<PackedRows>;
  rowOf(frame: number): Answer<number>;
  find(what: 'finding' | 'pong' | 'direction' | 'connection', row: number, step: 1 | -1): Answer<number | null>;
  frame(number: number): Answer<FrameDetail>;
  message(number: number, decoder: string | null): Answer<MessageDetail>;
  connections(): Answer<ConnectionSummary[]>;
  connection(number: number): Answer<ConnectionDetail>;
  findings(rule: string | null, from: number, count: number): Answer<Finding[]>;
  ruleCounts(): Answer<RuleCount[]>;
  histogram(from: number, to: number, buckets: number): Answer<Histogram>;
  completions(text: string, cursor: number): Answer<Completion[]>;
  filterHelp(): Answer<FilterTerm[]>;
  export(kind: ExportKind, view: boolean): Answer<Blob>;
}

/** A question; its answer has the same `id`. */
export interface Call {
  id: number;
  method: keyof Methods;
  parameters: unknown[];
}

/** What the worker says: an answer, why there is none, that it can answer nothing more, or how far it is. */
export type FromWorker =
  | { id: number; value: unknown }
  | { id: number; error: string }
  | { fault: string }
  | { progress: Progress };
