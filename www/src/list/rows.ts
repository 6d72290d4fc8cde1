import type { Row } from '../model.js';

/** Rows that are asked for at once. */
export const blockSize = 128;

/** Blocks kept: some 16,000 rows. */
const kept = 128;

/** Questions under way at once; more would only make the newest wait. */
const atOnce = 2;

/**
 * Rows of the view, read by the block and kept for a while. What is in sight is asked for first; a block that nobody wants any
 * more when its turn comes is not asked for.
 */
export class Rows {
  #read: (from: number, count: number) => Promise<Row[]>;
  #arrived: () => void;
  #blocks = new Map<number, { rows: Row[]; total: number }>();
  #total = 0;
  #stale = new Set<number>();
  #asked = new Set<number>();
  #wanted: number[] = [];
  #generation = 0;

  /** `read` reads rows of the view; `arrived` is called when rows have come that were missing. */
  constructor(read: (from: number, count: number) => Promise<Row[]>, arrived: () => void) {
    this.#read = read;
    this.#arrived = arrived;
  }

  /** Forgets every row: the view is another. */
  clear(): void {
    this.#generation += 1;
    this.#blocks.clear();
    this.#stale.clear();
    this.#asked.clear();
    this.#wanted = [];
  }

  /** Reads rows anew when they are next wanted, and shows the old ones until then. */
  refresh(): void {
    for (const block of this.#blocks.keys()) this.#stale.add(block);
  }

  /** The row, when it is here. */
  get(row: number): Row | undefined {
    return this.#blocks.get(Math.floor(row / blockSize))?.rows[row % blockSize];
  }

  /** Wants the rows in sight, and those to either side, first in the direction of movement. */
  want(first: number, end: number, total: number, direction: number): void {
    this.#total = total;
    if (total === 0) return;
    const from = Math.floor(first / blockSize);
    const to = Math.floor(Math.max(first, end - 1) / blockSize);
    const last = Math.floor((total - 1) / blockSize);
    const wanted: number[] = [];
    for (let block = from; block <= to; block += 1) wanted.push(block);
    const ahead = direction < 0 ? [from - 1, to + 1, from - 2] : [to + 1, from - 1, to + 2];
    for (const block of ahead) if (block >= 0 && block <= last) wanted.push(block);
    this.#wanted = wanted.filter((block) => !this.#has(block) && !this.#asked.has(block));
    this.#ask();
  }

  /** Reads one row, wherever it is. */
  async read(row: number): Promise<Row | undefined> {
    const here = this.get(row);
    if (here) return here;
    const generation = this.#generation;
    const rows = await this.#read(row, 1);
    return generation === this.#generation ? rows[0] : undefined;
  }

  #has(block: number): boolean {
    const here = this.#blocks.get(block);
    if (!here || this.#stale.has(block)) return false;
    // The last block of a growing view is read again when the view has become longer.
    return here.rows.length === blockSize || here.total === this.#total;
  }

  #ask(): void {
    while (this.#asked.size < atOnce) {
      const block = this.#wanted.shift();
      if (block === undefined) return;
      void this.#fetch(block);
    }
  }

  async #fetch(block: number): Promise<void> {
    const generation = this.#generation;
    const total = this.#total;
    this.#asked.add(block);
    let rows: Row[] | null = null;
    try {
      rows = await this.#read(block * blockSize, blockSize);
    } catch {
      // The worker says itself what is wrong; the rows stay empty and are asked for again at the next movement.
    }
    if (generation !== this.#generation) return;
    this.#asked.delete(block);
    if (rows) {
      this.#blocks.delete(block);
      this.#blocks.set(block, { rows, total });
      this.#stale.delete(block);
      for (const oldest of this.#blocks.keys()) {
        if (this.#blocks.size <= kept) break;
        this.#blocks.delete(oldest);
      }
      this.#arrived();
    }
    this.#ask();
  }
}
