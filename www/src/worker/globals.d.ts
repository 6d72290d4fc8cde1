/** What a worker has and a page has not: the types of the two exclude each other. */

declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}
