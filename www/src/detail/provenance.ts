import { count, offset } from '../app/format.js';
import type { FrameDetail, Piece } from '../model.js';

/** Where a range of a frame's bytes comes from: a sentence for each piece that holds some of it. */
export function provenance(detail: FrameDetail, start: number, end: number): string[] {
  return detail.pieces
    .filter((piece) => piece.offset < end && start < piece.offset + piece.length)
    .map((piece) => describe(piece, detail.row.direction, Math.max(start, piece.offset), Math.min(end, piece.offset + piece.length)));
}

function describe(piece: Piece, direction: string, start: number, end: number): string {
  const skip = start - piece.offset;
  const length = end - start;
  const stream = `+${count(piece.streamOffset + skip)} of stream ${direction}`;
  if (piece.origin === 'missing') return `${range(piece.streamOffset + skip, length)} of stream ${direction}: not captured`;
  const time = Number.isFinite(piece.time) ? `, ${offset(piece.time)} s` : '';
  if (piece.origin === 'memory' || piece.fileOffset === null) {
    return `packet ${count(piece.packet)} (decoded), ${stream}${time}`;
  }
  return `${range(piece.fileOffset + skip, length)} of the file, in packet ${count(piece.packet)}, ${stream}${time}`;
}

function range(first: number, length: number): string {
  return length === 1 ? `byte ${count(first)}` : `bytes ${count(first)}–${count(first + length - 1)}`;
}
