/** What the page knows of a capture: the values that the worker answers with. */

/** Where bytes go: from the client to the server, or from the server to the client. */
export type Direction = 'c2s' | 's2c';

/** How bad a finding is: worth knowing, against a SHOULD, against a MUST. */
export type Severity = 'information' | 'advice' | 'violation';

/** What the list has rows of: every frame, the first frame of each message (control frames among them), or control frames alone. */
export type Mode = 'frames' | 'messages' | 'control';

/** What is exported. */
export type ExportKind = 'jsonl' | 'csv' | 'har' | 'pcapng' | 'hex' | 'sarif';

/** How far the reading of a capture is. */
export interface Progress {
  /** The capture's name, as its file or sample is called. */
  name: string;
  /** Bytes read, of the file as it lies on the disk. */
  bytes: number;
  /** Bytes there are. */
  total: number;
  /** The format, such as `pcapng`, once it is known. */
  format: string | null;
  frames: number;
  connections: number;
  findings: number;
  /** Rows of the view by now. */
  rows: number;
  /** Milliseconds since 1970 of the first packet; `NaN`: unknown. */
  start: number;
  /** Seconds from the first packet to the last. */
  duration: number;
  /** Whether everything is read. */
  done: boolean;
  /** What is wrong with the capture itself: a sentence each. */
  problems: string[];
  /** Whether it is being recorded. */
  live: boolean;
  /** Bytes that are recorded and not yet shown. */
  behind: number;
}

/** One row of the list: a frame, or in the mode `messages` the message that begins with it. */
export interface Row {
  /** Its place in the view, from 0. */
  row: number;
  /** The frame's number in the capture, from 0. */
  number: number;
  connection: number;
  direction: Direction;
  /** Seconds since the first packet; `NaN`: unknown. */
  time: number;
  /** Seconds since the row before; `NaN`: unknown, or the first row. */
  delta: number;
  opcode: number;
  /** The opcode's name: `text`, `ping`, `reserved-3`. */
  name: string;
  fin: boolean;
  rsv1: boolean;
  rsv2: boolean;
  rsv3: boolean;
  masked: boolean;
  /** Whether it belongs to a compressed message. */
  compressed: boolean;
  /** What of it the source has: every byte, the header's fields, or a joined message (FIN, RSV and mask are unknown then). */
  onRecord: 'wire' | 'header' | 'message';
  /** Which part of its message it is. */
  fragment: 'whole' | 'first' | 'middle' | 'last';
  /** Bytes on the wire. */
  wire: number;
  /** Bytes of the payload on the wire. */
  payload: number;
  /** Bytes of the message after inflation; `null`: not compressed, not its first frame, or it cannot be inflated. */
  inflated: number | null;
  /** The beginning of the content on one line. */
  preview: string;
  /** The worst of its findings. */
  severity: Severity | null;
}

/** What the list shows. */
export interface View {
  /** A filter; the empty one lets everything through. */
  filter: string;
  mode: Mode;
}

/** What came of a new view. */
export interface ViewResult {
  /** How many rows there are; with an error, as many as before. */
  count: number;
  /** What is wrong with the filter, and where in its text. */
  error: { message: string; start: number; end: number } | null;
}

/** Bytes that were read. */
export interface Bytes {
  /** The bytes, zeros where the capture lacks them. */
  data: Uint8Array;
  /** How many there would be if all were captured and shown. */
  total: number;
  /** Which of `data` the capture lacks: beginnings and ends. */
  missing: [number, number][];
}

/** Where some bytes of a frame come from. */
export interface Piece {
  /** Offset in the frame, in bytes from the first of its header. */
  offset: number;
  length: number;
  /** Where they lie: in the file, in memory because they were decoded or decrypted, or nowhere. */
  origin: 'file' | 'memory' | 'missing';
  /** Where in the file. */
  fileOffset: number | null;
  /** Number of the packet, event or message, from 1. */
  packet: number;
  /** Seconds since the first packet; `NaN`: unknown. */
  time: number;
  /** Offset in the direction's stream, counted from the first byte behind the handshake. */
  streamOffset: number;
}

/** One frame, with its bytes. */
export interface FrameDetail {
  /** As in the list; `row.row` is its row in the view, or that of the nearest before it. */
  row: Row;
  header: {
    /** Bytes of the header: 2 to 14; 0: not on record. */
    length: number;
    /** Bits of the payload length. */
    lengthForm: 7 | 16 | 64;
    /** The masking key in hex. */
    maskingKey: string | null;
  };
  /** As on the wire: the header, then the payload; empty where it is not on record. */
  wire: Bytes;
  /** The payload, unmasked. */
  unmasked: Bytes;
  pieces: Piece[];
  findings: Finding[];
  /** The first frame of its message. */
  message: number;
  /** What a Close frame says. */
  close: { code: number | null; codeName: string; reason: string } | null;
}

/** A run of bits of compressed bytes, and what they inflate to. */
export interface Block {
  kind: 'stored' | 'fixed' | 'dynamic';
  /** Whether it has BFINAL. */
  last: boolean;
  /** First bit and the one behind the last, counted over the joined payload. */
  bits: [number, number];
  /** First byte and the one behind the last of the inflated message. */
  inflated: [number, number];
}

/** Literals, or one back-reference. */
export interface Token {
  bits: [number, number];
  inflated: [number, number];
  /** How far back it refers, in bytes; 0: literals. */
  distance: number;
}

/** One message: the payloads of all its frames. */
export interface MessageDetail {
  /** The numbers of its frames. */
  frames: number[];
  opcode: number;
  /** The payloads of its frames, unmasked and joined. */
  joined: Bytes;
  /** The message after inflation; `null`: not compressed. */
  inflated: Bytes | null;
  /** Why it could not be inflated to its end. */
  inflateError: string | null;
  /** Whether it ends with FIN, and all its bytes are there. */
  complete: boolean;
  /** What is in it. */
  decoded: Decoded | null;
  /** Names of the decoders that understand it, the likeliest first. */
  candidates: string[];
  blocks: Block[];
  tokens: Token[];
  /** How many bytes of earlier messages back-references can reach. */
  historyLength: number;
}

/** A message as a decoder understands it. */
export interface Decoded {
  decoder: string;
  /** One line. */
  summary: string;
  nodes: {
    depth: number;
    label: string;
    value: string;
    kind: string;
    /** Its bytes in the content; empty where it is derived. */
    start: number;
    end: number;
  }[];
  error: string | null;
  truncated: boolean;
}

/** One thing found wrong, or worth knowing. */
export interface Finding {
  /** The rule's identifier, such as `frame-mask-missing`. */
  rule: string;
  severity: Severity;
  rfc: number;
  section: string;
  title: string;
  explanation: string;
  strictPeer: string;
  /** What exactly, such as `opcode 3`. */
  detail: string;
  connection: number;
  direction: Direction | null;
  /** The frame it is in, or begins in. */
  frame: number | null;
  place: 'connection' | 'request' | 'response' | 'frame' | 'inflated' | 'stream';
  /** First byte and the one behind the last, counted as the place says. */
  start: number;
  end: number;
  /** Which bit of the first byte, in a compressed payload. */
  bit: number | null;
}

/** How often a rule was broken. */
export interface RuleCount {
  rule: string;
  severity: Severity;
  rfc: number;
  section: string;
  title: string;
  explanation: string;
  strictPeer: string;
  count: number;
  first: Finding | null;
}

/** One connection, for the list of them. */
export interface ConnectionSummary {
  number: number;
  client: string | null;
  server: string | null;
  target: string | null;
  subprotocol: string | null;
  /** permessage-deflate as it is in force: a sentence; `null`: not in force. */
  deflate: string | null;
  /** What carried it, such as `TLS 1.3, TLS_AES_128_GCM_SHA256`. */
  security: string;
  frames: number;
  /** Bytes of its frames on the wire. */
  bytes: number;
  findings: number;
  worst: Severity | null;
  /** Seconds since the first packet of the capture. */
  opened: number;
  last: number;
  /** How it ended: a sentence. */
  end: string;
  /** Whether roles and extension are guessed, for want of a handshake. */
  guessed: boolean;
}

/** What was counted in one direction. */
export interface Traffic {
  frames: number;
  controlFrames: number;
  messages: number;
  compressedMessages: number;
  headerBytes: number;
  maskBytes: number;
  payloadBytes: number;
  /** Bytes of compressed messages on the wire, and inflated. */
  compressedBytes: number;
  inflatedBytes: number;
  missingBytes: number;
  longestMessage: number;
  longestMessageFrame: number;
  /** Seconds. */
  longestGap: number;
}

/** One connection, with everything that is known of it. */
export interface ConnectionDetail extends ConnectionSummary {
  /** The request's head as it was on the wire. */
  request: string | null;
  response: string | null;
  /** Seconds since the first packet. */
  requested: number;
  answered: number;
  checks: { rule: string; section: string; rfc: number; passed: boolean; detail: string; title: string; severity: Severity }[];
  /** Of each direction: the client's, the server's. */
  traffic: [Traffic, Traffic];
  /** Frames of the Ping and of its Pong, the Ping's time, and the milliseconds between. */
  roundTrips: { ping: number; pong: number; time: number; ms: number }[];
  /** Milliseconds. */
  rtt: { count: number; least: number; most: number; mean: number };
  /** Bytes that permessage-deflate saved; below zero: cost. */
  saved: number;
  /** The close in order: who did what, when. */
  closing: Closing[];
}

/** One step of a connection's end. */
export interface Closing {
  /** Seconds since the first packet; `NaN`: unknown. */
  time: number;
  direction: Direction;
  what: 'close' | 'fin' | 'reset';
  frame: number | null;
  code: number | null;
  codeName: string;
  reason: string;
}

/** Traffic over time, in equal buckets. */
export interface Histogram {
  buckets: number;
  /** Seconds since the first packet. */
  from: number;
  to: number;
  /** Bytes on the wire. */
  up: Float64Array;
  down: Float64Array;
  /** Control frames. */
  controlUp: Uint32Array;
  controlDown: Uint32Array;
  /** Frames with a violation. */
  findings: Uint32Array;
}

/** What may stand at the cursor of a filter. */
export interface Completion {
  /** Which part of the text it takes the place of. */
  start: number;
  end: number;
  text: string;
  help: string;
}

/** A term of the filter language. */
export interface FilterTerm {
  name: string;
  example: string;
  help: string;
}

/** What to take for granted of a stream without a handshake. */
export interface Preset {
  /** Who sent it; absent: who masks is the client. */
  direction?: Direction;
  /** permessage-deflate: not in force, or its parameters; absent: where RSV1 says so. */
  deflate?: 'off' | DeflateParameters;
}

/** The parameters of permessage-deflate (RFC 7692 §7.1). */
export interface DeflateParameters {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number;
  clientMaxWindowBits: number;
}

/** How to open files. */
export interface OpenOptions {
  /** What to call the capture; absent: the file's name. */
  name?: string;
  /** Key logs; files among those opened that are key logs by their content are taken too. */
  keys?: File[];
  preset?: Preset;
}
