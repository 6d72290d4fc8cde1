/** What several files that are opened together are: a capture, key logs beside it, the two directions of a stream. */

/** Files that were told apart. */
export interface Sorted {
  name: string;
  capture: Blob;
  /** The client's direction, where two files are a stream's two directions. */
  other: Blob | null;
  /** Key logs, one after the other. */
  keys: Uint8Array;
  problems: string[];
}

/** A file by what is in it. */
interface Known {
  name: string;
  content: Blob;
  kind: 'capture' | 'request' | 'keys';
}

/** Bytes that tell what a file is. */
const HEAD = 64 << 10;
/** Most bytes of key logs; a line has some 200. */
const MOST_KEYS = 64 << 20;
/** Bytes of a part of what is decompressed. */
const PART = 4 << 20;
const KEY_LINE = /^(?:CLIENT_RANDOM|(?:CLIENT|SERVER)_(?:HANDSHAKE_)?TRAFFIC_SECRET(?:_\d+)?|CLIENT_EARLY_TRAFFIC_SECRET|EXPORTER_SECRET) [0-9a-f]{64} [0-9a-f]+\r?$/mi;

/**
 * Tells files apart by their content, and decompresses them. `null`: there are only key logs, and no capture.
 *
 * Fails with a sentence when they do not belong together.
 */
export async function sortFiles(files: readonly File[], keys: readonly File[]): Promise<Sorted | { keys: Uint8Array; capture: null }> {
  const problems: string[] = [];
  const known = await Promise.all(files.map((file) => recognise(file, problems)));
  const logs = [...known.filter(({ kind }) => kind === 'keys').map(({ content }) => content), ...keys];
  const size = logs.reduce((sum, log) => sum + log.size, 0);
  if (size > MOST_KEYS) {
    throw new Error(`The key logs have ${size} bytes together; at most ${MOST_KEYS} are taken.`);
  }
  // A line break in between: the last line of a log may have none.
  const text = new Uint8Array(await new Blob(logs.flatMap((log) => [log, '\n'])).arrayBuffer());
  const captures = known.filter(({ kind }) => kind !== 'keys');
  const [first, second] = captures;
  if (!first) {
    return { keys: text, capture: null };
  }
  if (captures.length > 2) {
    const names = captures.map(({ name }) => name).join(', ');
    throw new Error(`Open one capture at a time, with its key logs, or the two directions of one stream: ${names} are ${captures.length} captures.`);
  }
  if (!second) {
    return { name: first.name, capture: first.content, other: null, keys: text, problems };
  }
  // The client's direction is kept in memory: it is the one with the request, else the smaller one.
  const isFirst = first.kind === 'request' || (second.kind !== 'request' && first.content.size < second.content.size);
  const [other, capture] = isFirst ? [first, second] : [second, first];
  return { name: `${other.name} + ${capture.name}`, capture: capture.content, other: other.content, keys: text, problems };
}

async function recognise(file: File, problems: string[]): Promise<Known> {
  let content: Blob = file;
  let head = await readHead(content);
  if (head[0] === 0x1f && head[1] === 0x8b) {
    content = await decompress(file, problems);
    head = await readHead(content);
  }
  const text = new TextDecoder('latin1').decode(head);
  const kind = text.startsWith('GET ') ? 'request' : KEY_LINE.test(text) && !/[\0-\x08]/.test(text) ? 'keys' : 'capture';
  return { name: file.name, content, kind };
}

async function readHead(content: Blob): Promise<Uint8Array> {
  return new Uint8Array(await content.slice(0, HEAD).arrayBuffer());
}

/** Decompresses as much as there is: a capture that broke off is worth showing too. */
async function decompress(file: File, problems: string[]): Promise<Blob> {
  const reader = file.stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const blobs: Blob[] = [];
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        break;
      }
      parts.push(value);
      size += value.length;
      if (size >= PART) {
        // A blob may lie on the disk; parts lie in memory.
        blobs.push(new Blob(parts));
        parts = [];
        size = 0;
      }
    }
  } catch (error) {
    problems.push(`${file.name} could not be decompressed to its end: ${error instanceof Error ? error.message : error}`);
  }
  return new Blob([...blobs, ...parts]);
}
