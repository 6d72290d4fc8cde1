import { count, offset } from '../app/format.js';
import type { FrameDetail, Piece } from '../model.js';

/** Where a range of a frame's bytes comes from: a line for each piece that holds some of it, with its time where there are several. */
export function provenance(detail: FrameDetail, start: number, end: number): string[] {
  const pieces = detail.pieces.filter((piece) => piece.offset < end && start < piece.offset + piece.length);
  return pieces.map((piece) =>
    describe(piece, detail.row.direction, pieces.length > 1, Math.max(start, piece.offset), Math.min(end, piece.offset + piece.length)),
  );
}

function describe(piece: Piece, direction: string, timed: boolean, start: number, end: number): string {
  const skip = start - piece.offset;
  const length = end - start;
  const place = piece.streamOffset + skip;
  if (piece.origin === 'missing') return `${range(place, length)} of stream ${direction}: not captured`;
  const where = piece.origin === 'memory' || piece.fileOffset === null ? 'decoded' : `${range(piece.fileOffset + skip, length)} of the file`;
  const time = timed && Number.isFinite(piece.time) ? ` · ${offset(piece.time)} s` : '';
  return `${where} · packet ${count(piece.packet)} · +${count(place)} of stream ${direction}${time}`;
}

function range(first: number, length: number): string {
  return length === 1 ? `byte ${count(first)}` : `bytes ${count(first)}–${count(first + length - 1)}`;
}
