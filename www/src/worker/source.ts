/** Where the bytes of a capture come from. */

/** A capture that is read once from its beginning to its end, and again at any place. */
export interface Capture {
  /** Bytes there are by now. */
  readonly size: number;
  /** Whether it is being recorded. */
  readonly isLive: boolean;
  /** What went wrong on the way, for people. */
  readonly problems: readonly string[];
  /** Reads at most `length` bytes from `offset` on, waiting for them where they are still being recorded; `null`: there are no more. */
  read(offset: number, length: number): Promise<Uint8Array | null>;
  /** Fills `into` from `offset` on at once, or throws. */
  readNow(offset: number, into: Uint8Array): void;
}

/** A capture in a file. */
export class BlobCapture implements Capture {
  readonly isLive = false;
  readonly #blob: Blob;
  readonly #reader = new FileReaderSync();

  constructor(blob: Blob, readonly problems: readonly string[] = []) {
    this.#blob = blob;
  }

  get size(): number {
    return this.#blob.size;
  }

  async read(offset: number, length: number): Promise<Uint8Array | null> {
    if (offset >= this.#blob.size) {
      return null;
    }
    return new Uint8Array(await this.#blob.slice(offset, offset + length).arrayBuffer());
  }

  readNow(offset: number, into: Uint8Array): void {
    const bytes = this.#reader.readAsArrayBuffer(this.#blob.slice(offset, offset + into.length));
    into.set(new Uint8Array(bytes));
  }
}
