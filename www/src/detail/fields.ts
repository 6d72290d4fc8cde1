import { count, counted } from '../app/format.js';
import type { FrameDetail } from '../model.js';
import { closeCode } from './close-codes.js';

/** The group that a field belongs to; it decides the tint. */
export type Tone = 'flag' | 'opcode' | 'mask' | 'length' | 'payload' | 'close';

/** One field of a frame (RFC 6455 §5.2), where it lies and what it says. */
export interface Field {
  /** Stable within a frame: `fin`, `opcode`, `extended-length`, `payload`. */
  id: string;
  /** Its name in the RFC. */
  label: string;
  /** Its first bit, counted from the frame's first. */
  bit: number;
  /** How many bits it has. */
  bits: number;
  /** Its value as a number or bytes; `not on record` where the source lacks it. */
  value: string;
  /** What the value says, in a word or two; may be empty. */
  meaning: string;
  /** A sentence about this field with this value. */
  sentence: string;
  /** The RFC that defines it. */
  rfc: number;
  /** Its section there. */
  section: string;
  /** Whether the source has it. */
  onRecord: boolean;
  tone: Tone;
}

/**
 * The fields of `detail`'s frame in the order of the wire. Empty where the source has only messages: a frame is not
 * drawn from what nobody recorded.
 */
export function frameFields(detail: FrameDetail): Field[] {
  const { row } = detail;
  if (row.onRecord === 'message') return [];
  const fields = [...flags(detail), opcodeField(detail), maskField(detail), ...lengthFields(detail)];
  if (row.onRecord === 'header') return [...fields, restField(detail)];
  let bit = fields.reduce((sum, field) => sum + field.bits, 0);
  if (row.masked) {
    fields.push(keyField(detail, bit));
    bit += 32;
  }
  fields.push(...payloadFields(detail, bit));
  return fields;
}

/** The field that byte `offset` of the frame belongs to; where a byte has several, the last. */
export function fieldAt(fields: Field[], offset: number): Field | null {
  return fields.findLast((field) => field.bits > 0 && firstByte(field) <= offset && offset < endByte(field)) ?? null;
}

/** The number of the field's first byte. */
export function firstByte(field: Field): number {
  return Math.floor(field.bit / 8);
}

/** The number of the byte after the field's last. */
export function endByte(field: Field): number {
  return Math.ceil((field.bit + field.bits) / 8);
}

/** The address of a section of an RFC. */
export function sectionUrl(rfc: number, section: string): string {
  return `https://www.rfc-editor.org/rfc/rfc${rfc}#section-${section.replace(/[^0-9.].*$/u, '')}`;
}

/** What an opcode means (RFC 6455 §5.2, §11.8). */
export function opcodeSentence(opcode: number): string {
  return OPCODES[opcode] ?? 'Reserved: no frame has this opcode until a document defines it. A receiver fails the connection with 1002.';
}

const RFC6455 = 6455;
const RFC7692 = 7692;
const UNKNOWN = 'not on record';

const OPCODES: Record<number, string> = {
  0x0: 'Continues the message that an earlier frame began; control frames may lie between the two.',
  0x1: 'Begins a message of text in UTF-8; a character may be cut by the end of a frame.',
  0x2: 'Begins a message of bytes that the application gives a meaning.',
  0x8: 'Begins the closing handshake, or answers it; no data follows from this side.',
  0x9: 'Asks for a Pong with the same payload: is the other side still there?',
  0xa: 'Answers a Ping with its payload; without one, it is a heartbeat in one direction.',
};

function flags({ row, message }: FrameDetail): Field[] {
  const control = row.opcode >= 8;
  const fin = row.fin
    ? control
      ? 'A control frame is whole in itself: it cannot be fragmented.'
      : row.fragment === 'whole'
        ? 'The first frame of the message is also its last: the message is not fragmented.'
        : 'The last frame of its message.'
    : control
      ? 'A control frame must not be fragmented: a receiver fails the connection with 1002.'
      : 'More frames of this message follow.';
  const first = row.number === message;
  const rsv1 = row.rsv1
    ? control
      ? 'Set on a control frame, which is never compressed.'
      : row.compressed && first
        ? 'The message is compressed with permessage-deflate. Its first frame says so, the others do not.'
        : 'Set, although nothing that was agreed gives it a meaning here.'
    : row.compressed && !first
      ? 'Zero here; the message is compressed, as the bit of its first frame says.'
      : 'Zero: the message is not compressed, or no extension was agreed.';
  const reserved = (set: boolean): string =>
    set
      ? 'Set, although no extension that was agreed gives it a meaning: a receiver fails the connection with 1002.'
      : 'Zero, as long as no extension gives it a meaning.';
  return [
    bitField('fin', 'FIN', 0, row.fin, row.fin ? 'final' : 'more', fin, RFC6455, row.fragment === 'whole' ? '5.2' : '5.4'),
    bitField('rsv1', 'RSV1', 1, row.rsv1, row.rsv1 && row.compressed ? 'deflate' : '', rsv1, RFC7692, '6'),
    bitField('rsv2', 'RSV2', 2, row.rsv2, '', reserved(row.rsv2), RFC6455, '5.2'),
    bitField('rsv3', 'RSV3', 3, row.rsv3, '', reserved(row.rsv3), RFC6455, '5.2'),
  ];
}

function opcodeField({ row }: FrameDetail): Field {
  return {
    id: 'opcode',
    label: 'opcode',
    bit: 4,
    bits: 4,
    value: `0x${row.opcode.toString(16)}`,
    meaning: row.name,
    sentence: opcodeSentence(row.opcode),
    rfc: RFC6455,
    section: row.opcode >= 8 ? CONTROL_SECTIONS[row.opcode] ?? '5.5' : row.opcode === 0 ? '5.4' : row.opcode < 3 ? '5.6' : '5.2',
    onRecord: true,
    tone: 'opcode',
  };
}

const CONTROL_SECTIONS: Record<number, string> = { 8: '5.5.1', 9: '5.5.2', 10: '5.5.3' };

function maskField({ row }: FrameDetail): Field {
  const fromClient = row.direction === 'c2s';
  const sentence = row.masked
    ? fromClient
      ? 'The payload is masked, as every frame from a client.'
      : 'The payload is masked, which a server must not do: a client fails the connection with 1002.'
    : fromClient
      ? 'The payload is not masked, which a client must do: a server fails the connection with 1002.'
      : 'The payload is not masked: a server never masks.';
  return { ...bitField('mask', 'MASK', 8, row.masked, row.masked ? 'masked' : 'plain', sentence, RFC6455, '5.1'), tone: 'mask' };
}

function lengthFields({ row, header }: FrameDetail): Field[] {
  const known = row.onRecord === 'wire';
  const base = { rfc: RFC6455, section: '5.2', tone: 'length' as const };
  if (!known) {
    return [
      {
        ...base,
        id: 'length',
        label: 'Payload len',
        bit: 9,
        bits: 7,
        value: UNKNOWN,
        meaning: counted(row.payload, 'byte'),
        sentence: `The payload has ${counted(row.payload, 'byte')}; the capture does not tell in which of its three forms the length was written.`,
        onRecord: false,
      },
    ];
  }
  const short = header.lengthForm === 7 ? row.payload : header.lengthForm === 16 ? 126 : 127;
  const sentence =
    header.lengthForm === 7
      ? `The length of the payload: ${counted(row.payload, 'byte')}. Up to 125 it fits into these 7 bits.`
      : `${short} means that the length is in the next ${header.lengthForm} bits.`;
  const length: Field = {
    ...base,
    id: 'length',
    label: 'Payload len',
    bit: 9,
    bits: 7,
    value: String(short),
    meaning: header.lengthForm === 7 ? (row.payload === 1 ? 'byte' : 'bytes') : `${header.lengthForm} bits follow`,
    sentence,
    onRecord: true,
  };
  if (header.lengthForm === 7) return [length];
  const least = header.lengthForm === 16 ? 126 : 65_536;
  return [
    length,
    {
      ...base,
      id: 'extended-length',
      label: 'Extended payload length',
      bit: 16,
      bits: header.lengthForm,
      value: count(row.payload),
      meaning: 'bytes',
      sentence:
        row.payload < least
          ? `The length of the payload, ${counted(row.payload, 'byte')}, in more bits than it needs: the shortest form is the only valid one.`
          : `The length of the payload, ${counted(row.payload, 'byte')}, as a number of ${header.lengthForm} bits with the highest byte first.`,
      onRecord: true,
    },
  ];
}

/** Whatever follows the first two bytes, where those are all that is on record: not even where the payload begins is known. */
function restField({ row }: FrameDetail): Field {
  return {
    id: 'rest',
    label: 'The rest of the frame',
    bit: 16,
    bits: 16,
    value: UNKNOWN,
    meaning: `${row.masked ? 'masking key, ' : ''}${counted(row.payload, 'byte')} of payload`,
    sentence: 'The source has the fields of the header, and not the bytes: where the payload begins is not known either.',
    rfc: RFC6455,
    section: '5.2',
    onRecord: false,
    tone: 'payload',
  };
}

function keyField({ header }: FrameDetail, bit: number): Field {
  const key = header.maskingKey?.replace(/[^0-9a-f]/giu, '').toLowerCase() ?? null;
  return {
    id: 'masking-key',
    label: 'Masking-key',
    bit,
    bits: 32,
    value: key === null ? UNKNOWN : (key.match(/../gu) ?? []).join(' '),
    meaning: '',
    sentence:
      key === null
        ? 'The frame is masked, and the capture does not hold its key.'
        : 'Byte i of the payload is its plain value XOR byte i mod 4 of this key. It is chosen anew for every frame, so that a page cannot choose the bytes on the wire.',
    rfc: RFC6455,
    section: '5.3',
    onRecord: key !== null,
    tone: 'mask',
  };
}

function payloadFields(detail: FrameDetail, bit: number): Field[] {
  const { row, close } = detail;
  if (row.payload === 0) return [];
  const base = { rfc: RFC6455, onRecord: true };
  if (row.opcode === 8 && close?.code != null && row.payload >= 2) {
    const { name, meaning } = closeCode(close.code);
    const code: Field = {
      ...base,
      id: 'close-code',
      label: 'Close code',
      bit,
      bits: 16,
      value: String(close.code),
      meaning: close.codeName || name,
      sentence: meaning,
      section: '7.4.1',
      tone: 'close',
    };
    if (row.payload === 2) return [code];
    return [
      code,
      {
        ...base,
        id: 'close-reason',
        label: 'Close reason',
        bit: bit + 16,
        bits: (row.payload - 2) * 8,
        value: close.reason,
        meaning: counted(row.payload - 2, 'byte'),
        sentence: 'Why the connection closes, in UTF-8, for whoever debugs; it need not be readable for users.',
        section: '5.5.1',
        tone: 'payload',
      },
    ];
  }
  return [
    {
      ...base,
      id: 'payload',
      label: 'Payload data',
      bit,
      bits: row.payload * 8,
      value: counted(row.payload, 'byte'),
      meaning: row.compressed ? 'compressed' : '',
      sentence: payloadSentence(detail),
      rfc: row.compressed ? RFC7692 : RFC6455,
      section: row.compressed ? '6' : '5.2',
      tone: 'payload',
    },
  ];
}

function payloadSentence({ row }: FrameDetail): string {
  const masked = row.masked ? ' Masked with the key.' : '';
  if (row.compressed) return `Part of a compressed message: join the frames, add 00 00 ff ff, and inflate.${masked}`;
  if (row.opcode === 9) return `The Pong has to bring the same bytes back.${masked}`;
  if (row.opcode === 10) return `The bytes that the Ping had, if this answers one.${masked}`;
  if (row.opcode === 8) return `A Close frame has a code of two bytes here, or nothing.${masked}`;
  if (row.fragment !== 'whole') return `A part of the message.${masked}`;
  return `${row.opcode === 1 ? 'The text, in UTF-8' : 'The content'} of the message.${masked}`;
}

function bitField(
  id: string,
  label: string,
  bit: number,
  set: boolean,
  meaning: string,
  sentence: string,
  rfc: number,
  section: string,
): Field {
  return { id, label, bit, bits: 1, value: set ? '1' : '0', meaning, sentence, rfc, section, onRecord: true, tone: 'flag' };
}
