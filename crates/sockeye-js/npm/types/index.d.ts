// The public types of sockeye, written by hand. What a property means and its unit stand here; how things fit together stands in README.md.
/// <reference lib="esnext" />

// ---------------------------------------------------------------------------------------------------------------------------------
// Data
// ---------------------------------------------------------------------------------------------------------------------------------

/** A whole message: text as a string, binary as bytes that belong to whoever gets them (RFC 6455 §5.6). */
export type Message = string | Uint8Array;

/** What kind of data a message carries (RFC 6455 §5.6). */
export type MessageKind = 'text' | 'binary';

/** What can be sent: a string goes as text, bytes as binary. Bytes are read before the call returns, unless `send` says otherwise. */
export type Sendable = string | ArrayBuffer | ArrayBufferView;

/** Which side of a connection this is. */
export type Role = 'client' | 'server';

/** `open` → `closing` (a Close frame was sent) → `closed`. */
export type State = 'open' | 'closing' | 'closed';

/** Header fields: pairs, a record, or the platform's `Headers`. */
export type HeaderFields = Iterable<readonly [string, string]> | Record<string, string>;

// ---------------------------------------------------------------------------------------------------------------------------------
// Settings
// ---------------------------------------------------------------------------------------------------------------------------------

/** Bounds on size. Each is finite by default. */
export interface Limits {
  /** Longest message in bytes, after inflation. Above it the connection fails with 1009. Default 1 MiB. Messages received as streams are not bounded by it, but their frames by `frameSize`. */
  messageSize?: number;
  /** Longest frame payload in bytes, judged by its header. Above it the connection fails with 1009. Default a little more than `messageSize`, for what compression may add. */
  frameSize?: number;
  /** Most frames in one message. Above it the connection fails with 1008. Default 131,072. */
  fragments?: number;
  /** Bytes of messages that may wait for `receive()` before reading from the peer stops. Default 1 MiB. */
  receiveBuffer?: number;
  /** Bytes that may wait to be written before `send()` asks to be waited for, and before reading from the peer stops. Default 1 MiB. */
  sendBuffer?: number;
}

/** Bounds on time, in milliseconds; `null` means no bound. */
export interface Timeouts {
  /** The whole opening handshake, reading included. Default 10,000 for servers, 45,000 for clients. */
  handshake?: number | null;
  /** Silence of the peer after which it is sent a Ping. Default 20,000 for servers, none for clients. */
  pingInterval?: number | null;
  /** How long the peer may stay silent after that Ping before the connection fails with 1011. Default 20,000. */
  pong?: number | null;
  /** How long the peer may take to answer a Close frame. Default 5,000. */
  close?: number | null;
  /** How old an unfinished message may grow before the connection fails with 1008. Default 30,000 for servers, none for clients. */
  message?: number | null;
}

/** permessage-deflate (RFC 7692). */
export interface PerMessageDeflate {
  /** 0 (store) to 9 (best). Default 5. */
  level?: number;
  /** Messages shorter than this many bytes are sent uncompressed. Default 64. */
  threshold?: number;
  serverNoContextTakeover?: boolean;
  clientNoContextTakeover?: boolean;
  /** 8 to 15. Default 12 for servers, 15 for clients. */
  serverMaxWindowBits?: number;
  /** 8 to 15. Default 12 for servers, 15 for clients. */
  clientMaxWindowBits?: number;
}

/** What both roles can set. */
export interface ConnectionOptions {
  limits?: Limits;
  timeouts?: Timeouts;
  /** Whether to negotiate permessage-deflate, and how. Default false. */
  deflate?: boolean | PerMessageDeflate;
  /** Subprotocols in order of preference. Default none. */
  subprotocols?: readonly string[];
  /** Header fields to add to the request or the response. Those the handshake itself writes are refused. */
  headers?: HeaderFields;
  /** Whether a Ping is answered at once (RFC 6455 §5.5.2). Default true. */
  automaticPong?: boolean;
}

/** Which web pages may connect: those of the server's own host (the default), those that match a pattern such as `https://*.example.com`, or all of them. */
export type OriginPolicy = 'same-host' | 'any' | readonly string[];

/** How a server treats those who connect. */
export interface ServerOptions extends ConnectionOptions {
  origins?: OriginPolicy;
}

/** How a client connects. */
export interface ClientOptions extends ConnectionOptions {
  /** The value of `Origin`. Default none: only browsers need one. */
  origin?: string;
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Layer 0: the protocol without IO
// ---------------------------------------------------------------------------------------------------------------------------------

/** The opening request, as a server sees it. */
export interface UpgradeRequest {
  /** Path and query. */
  readonly target: string;
  readonly host: string;
  readonly origin: string | null;
  /** The fields in order, names in lower case. */
  readonly headers: ReadonlyArray<readonly [string, string]>;
  /** What the client offers, in its order of preference. */
  readonly subprotocols: readonly string[];
}

/** The answer to the opening request, as a client sees it. */
export interface UpgradeResponse {
  readonly status: number;
  readonly headers: ReadonlyArray<readonly [string, string]>;
  /** The first KiB of a refusal's body. */
  readonly body: Uint8Array;
}

/** What an engine reports, in the order it happened. */
export type EngineEvent =
  | { readonly type: 'request'; readonly request: UpgradeRequest }
  | { readonly type: 'open'; readonly subprotocol: string | null; readonly extensions: string | null }
  | { readonly type: 'message'; readonly data: Message }
  | { readonly type: 'part'; readonly kind: MessageKind; readonly data: Uint8Array; readonly fin: boolean }
  | { readonly type: 'ping'; readonly data: Uint8Array }
  | { readonly type: 'pong'; readonly data: Uint8Array }
  | { readonly type: 'close'; readonly close: Close };

/** How a connection ended. */
export interface Close {
  /** The code of the peer's Close frame; 1005 when it held none, 1006 when there was no Close frame. */
  readonly code: number;
  /** The same as `code`, by the name that `WebSocketStream` has for it. */
  readonly closeCode?: number;
  readonly reason: string;
  /** Which side began: by a Close frame, by failing the connection, or neither because the byte stream ended. */
  readonly initiator: 'local' | 'peer' | 'transport';
  /** Whether Close frames went both ways. */
  readonly clean: boolean;
  /** What went wrong, if something did. */
  readonly error: SockeyeError | null;
}

export type EngineOptions = {
  /** How messages are handed over: whole (the default) or in parts as they come. */
  delivery?: 'messages' | 'parts';
  /** Whether the opening handshake was done elsewhere. `true` means uncompressed; an object has the extension that was negotiated, such as `permessage-deflate; client_no_context_takeover`. Default false. */
  established?: boolean | { deflate: string };
} & (
  | ({ role: 'server'; /** Whether each request is reported and waits for `admit` or `refuse`. Default false. */ ask?: boolean } & ServerOptions)
  | ({ role: 'client'; /** The value of `Host`. */ host?: string; /** Path and query. */ target?: string } & ClientOptions)
);

/** One connection from its opening handshake to its end, for those who own the bytes: chunks in, events out, and what is to be written. */
export class Engine {
  constructor(options: EngineOptions);
  readonly role: Role;
  readonly state: 'opening' | State;
  /** Whether the byte stream is to be ended once what `take()` returns has been written. */
  readonly isFinished: boolean;
  /** Bytes that wait for `take()`. */
  readonly pending: number;
  /** In how many milliseconds to call `tick()` at the latest, or `Infinity`. */
  readonly timeout: number;
  /** Takes what was read, returns what happened. The bytes are copied. */
  receive(chunk: Uint8Array): EngineEvent[];
  /** Says that the byte stream has ended, or broken. */
  receiveEnd(error?: string): EngineEvent[];
  /** Lets time act: keepalive and timeouts. */
  tick(): EngineEvent[];
  /** Like `receive`, but messages, in parts as they come, Pings and Pongs go to `to` without leaving the WebAssembly memory. Returns the other events. */
  forward(chunk: Uint8Array, to: Engine): EngineEvent[];
  admit(answer?: { subprotocol?: string; headers?: HeaderFields }): EngineEvent[];
  refuse(status: number, answer?: { headers?: HeaderFields; body?: string }): EngineEvent[];
  send(data: Sendable, options?: { kind?: MessageKind }): void;
  sendPart(kind: MessageKind, data: Sendable, fin: boolean): void;
  sendPrepared(message: PreparedMessage): void;
  ping(data?: Sendable): void;
  pong(data?: Sendable): void;
  close(code?: number, reason?: string): EngineEvent[];
  /** All that is to be written, as one buffer; empty when there is nothing. */
  take(): Uint8Array;
  setLimits(limits: Limits): void;
  setCompression(compress: boolean): void;
  setCompressionLevel(level: number): void;
  /** Gives its memory back. Every method but another `free` throws `FREED` from now on. */
  free(): void;
  [Symbol.dispose](): void;
}

/** A frame, as it lies in a capture: right or wrong. */
export interface Frame {
  /** Where its header begins, in bytes since the decoder began. */
  readonly offset: number;
  readonly headerLength: number;
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly rsv2: boolean;
  readonly rsv3: boolean;
  /** 0 to 15 (RFC 6455 §11.8). */
  readonly opcode: number;
  readonly maskingKey: Uint8Array | null;
  readonly payloadLength: number;
  /** Unmasked; not inflated. At most as long as the decoder's `payload` option. */
  readonly payload: Uint8Array;
  /** The rules that its header breaks, in the words of error codes. */
  readonly violations: readonly string[];
}

/** Splits a byte stream of either direction into frames, whatever rules they break. */
export class FrameDecoder {
  constructor(options?: { /** Whose frames: tells which masking is right. Default: not judged. */ sender?: Role; /** Most bytes of payload kept for each frame. Default 1 MiB. */ payload?: number; /** Where in its stream the first frame begins. Default 0. */ offset?: number });
  /** The frames that are complete now. */
  decode(chunk: Uint8Array): Frame[];
  /** Bytes of an unfinished frame that have come. */
  readonly pending: number;
  /** Bytes that the unfinished frame lacks, as far as is known; 0 when the stream may end here. */
  readonly remaining: number;
  free(): void;
  [Symbol.dispose](): void;
}

/** A message to be sent on many connections: framed, and compressed, once for all that negotiated the same. */
export class PreparedMessage {
  constructor(data: Sendable, options?: { kind?: MessageKind });
  free(): void;
  [Symbol.dispose](): void;
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------------------------------------------

/** What all errors of this package are. */
export class SockeyeError extends Error {
  /** Which error it is: a word such as `INVALID_UTF8`, listed in README.md. */
  readonly code: string;
}
/** Something was called wrongly: `INVALID_ARGUMENT`, `DETACHED`, `FREED`, `INVALID_OPTION`, `INVALID_URL`, `MESSAGE_SKIPPED`, `NOT_LOADED`, `UNSUPPORTED`. */
export class UsageError extends SockeyeError {}
/** A message could not be sent: `QUEUE_FULL`, `CLOSE_SENT`, `NOT_OPEN`, `CONTROL_TOO_LONG`, `INVALID_CLOSE_CODE`, `INVALID_UTF8`, `MESSAGE_UNFINISHED`. */
export class SendError extends SockeyeError {}
/** The peer broke a rule, or a timeout. */
export class ProtocolError extends SockeyeError {
  /** The close code that tells the peer, when there is one. */
  readonly closeCode: number | null;
}
/** The byte stream broke: `TRANSPORT`. `cause` is what the platform said. */
export class TransportError extends SockeyeError {}
/** The opening handshake failed. */
export class HandshakeError extends SockeyeError {
  /** What the server answered, on a client that got an answer. */
  readonly response: UpgradeResponse | null;
  /** The status that a server answers with, when there is one. */
  readonly status: number | null;
}
/** The connection ended, and not in order. */
export class CloseError extends SockeyeError {
  readonly close: Close;
  readonly closeCode: number;
  readonly reason: string;
}
/** Whether this is a `CloseError` with one of these codes; with any code when none are given. */
export function isCloseError(error: unknown, ...codes: number[]): error is CloseError;
/** Whether this is a `CloseError` with none of these codes. */
export function isUnexpectedCloseError(error: unknown, ...codes: number[]): error is CloseError;

/** The registered close codes (RFC 6455 §7.4.1, IANA). */
export const CloseCode: {
  readonly NORMAL: 1000; readonly GOING_AWAY: 1001; readonly PROTOCOL_ERROR: 1002; readonly UNSUPPORTED_DATA: 1003; readonly NO_STATUS: 1005;
  readonly ABNORMAL: 1006; readonly INVALID_PAYLOAD: 1007; readonly POLICY_VIOLATION: 1008; readonly MESSAGE_TOO_BIG: 1009; readonly MANDATORY_EXTENSION: 1010;
  readonly INTERNAL_ERROR: 1011; readonly SERVICE_RESTART: 1012; readonly TRY_AGAIN_LATER: 1013; readonly BAD_GATEWAY: 1014; readonly TLS_HANDSHAKE: 1015;
};

// ---------------------------------------------------------------------------------------------------------------------------------
// Layer 1: connections
// ---------------------------------------------------------------------------------------------------------------------------------

/** A byte stream in the shape of the WinterTC sockets proposal: `cloudflare:sockets`, a `Deno.Conn`, or a pair of web streams. */
export interface StreamPair {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  close?(): unknown;
}

/** A byte stream in the shape of Node's `Duplex`, such as `net.Socket` and `tls.TLSSocket`. */
export interface NodeDuplex {
  on(event: string, listener: (...args: any[]) => void): unknown;
  off(event: string, listener: (...args: any[]) => void): unknown;
  write(data: Uint8Array): boolean;
  end(): unknown;
  destroy(error?: Error): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** What an adapter tells a connection. */
export interface Sink {
  /** Bytes have come. With `isOwned` they may be overwritten. */
  data(chunk: Uint8Array, isOwned: boolean): void;
  /** The byte stream ended, or broke. */
  end(error?: Error): void;
  /** What was to be written has become less than the high-water mark. */
  drain(): void;
}

/** A byte stream as connections want it. Write one to bring a transport that this package does not know. */
export interface Transport {
  /** Begins to read. Called once. */
  start(sink: Sink): void;
  /** Writes `head`, then `payload`. Both belong to the transport. False asks to wait for `drain`. */
  write(head: Uint8Array, payload?: Uint8Array): boolean;
  /** Stops reading. */
  pause(): void;
  resume(): void;
  /** Ends the byte stream once everything has been written. */
  end(): void;
  /** Ends it at once. */
  destroy(): void;
  /** Bytes that were given to `write` and have not gone out. */
  readonly bufferedAmount: number;
  readonly localAddress: string | null;
  readonly remoteAddress: string | null;
  /** What the transport was made of. */
  readonly socket: unknown;
}

/** Anything that a connection can run over. */
export type Stream = Transport | StreamPair | NodeDuplex;

/** How this side answers a request: `undefined` lets the client in, with an answer a subprotocol and header fields; a status refuses it. */
export type Answer = void | { subprotocol?: string; headers?: HeaderFields } | { status: number; headers?: HeaderFields; body?: string };

export interface UpgraderOptions extends ServerOptions {
  /** Looks at each request that passes the checks, and decides. Replaces the choice of the subprotocol when it returns an object. */
  onRequest?(request: UpgradeRequest): Answer | Promise<Answer>;
}

/** Accepts WebSocket connections. Made once, it serves any number of them. */
export class Upgrader {
  constructor(options?: UpgraderOptions);
  /** From the `'upgrade'` event of a `node:http` or `node:https` server, in Node, Deno and Bun. Rejects with a `HandshakeError` after the client has been told. */
  upgrade(request: NodeRequest, socket: NodeDuplex, head: Uint8Array, options?: { signal?: AbortSignal }): Promise<Conn>;
  /** On a byte stream whose first bytes are the request. */
  accept(stream: Stream, options?: { signal?: AbortSignal }): Promise<Conn>;
  free(): void;
  [Symbol.dispose](): void;
}

/** `http.IncomingMessage`, as far as it is needed. */
export interface NodeRequest {
  readonly method?: string;
  readonly url?: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

/** Where to connect to. */
export interface Target {
  readonly hostname: string;
  readonly port: number;
  /** Whether TLS is wanted, with ALPN `http/1.1`. */
  readonly secure: boolean;
  readonly signal: AbortSignal;
  /** The `tls` setting of the dialer, as the platform's TLS takes it. */
  readonly tls?: object;
}

/** A cookie jar in the shape of `tough-cookie`. */
export interface CookieJar {
  getCookieString(url: string): string | Promise<string>;
  setCookie(cookie: string, url: string): unknown;
}

export interface DialerOptions extends ClientOptions {
  /** Makes the byte stream. Default: the platform's sockets. */
  connect?(target: Target): Stream | Promise<Stream>;
  /** Settings of TLS in the platform's words: `tls.connect` in Node and Bun, `Deno.connectTls` in Deno. */
  tls?: object;
  /** How many redirects to follow. Default 0. */
  redirects?: number;
  jar?: CookieJar;
}

/** Opens WebSocket connections. */
export class Dialer {
  constructor(options?: DialerOptions);
  /** Opens a connection to a `ws:`, `wss:`, `http:` or `https:` URL. User and password in it go as Basic authorization. Rejects with a `HandshakeError`, or what connecting failed with. */
  dial(url: string | URL, options?: DialOptions): Promise<Conn>;
  /** Opens a connection over a byte stream that is there already. */
  dialStream(stream: Stream, url: string | URL, options?: DialOptions): Promise<Conn>;
}

/** What differs from dial to dial. */
export interface DialOptions {
  headers?: HeaderFields;
  subprotocols?: readonly string[];
  origin?: string;
  signal?: AbortSignal;
}

/** `new Dialer(options).dial(url)`. */
export function dial(url: string | URL, options?: DialerOptions & { signal?: AbortSignal }): Promise<Conn>;

/** Whether this request asks for a WebSocket. */
export function isWebSocketUpgrade(request: Request | NodeRequest): boolean;
/** The subprotocols that this request offers, in its order of preference. */
export function subprotocols(request: Request | NodeRequest): string[];

/** A message as it comes. */
export interface MessageStream {
  readonly kind: MessageKind;
  /** The bytes after unmasking and inflation; a character of text may be cut between two chunks. Cancel it to skip the rest. */
  readonly readable: ReadableStream<Uint8Array>;
}

/** What every connection can do, whatever it runs over. */
export interface BasicConn extends AsyncIterable<Message>, AsyncDisposable {
  readonly state: State;
  readonly subprotocol: string | null;
  readonly extensions: string | null;
  /** The next message, or `null` after an orderly close. Rejects with a `CloseError` after any other end. An abort leaves the connection usable. */
  receive(options?: { signal?: AbortSignal }): Promise<Message | null>;
  /** The next message, parsed. Rejects with a `SyntaxError` on what is not JSON; the connection stays usable. */
  receiveJson(options?: { signal?: AbortSignal }): Promise<unknown>;
  /** Called with all messages that one read brought, synchronously; while it is set, `receive` waits. The fastest way. */
  onmessages: ((messages: Message[]) => void) | null;
  /** Called once, when the connection has ended. */
  onclose: ((close: Close) => void) | null;
  /** Queues a message. Throws at once when it cannot be sent; the promise asks to be waited for before sending more. */
  send(data: Sendable): Promise<void>;
  sendJson(value: unknown): Promise<void>;
  /** Bytes that have not gone out. */
  readonly bufferedAmount: number;
  /** Does the closing handshake, within the `close` timeout. Safe to call twice. */
  close(code?: number, reason?: string): Promise<Close>;
  /** Ends the byte stream at once, without a closing handshake. */
  abort(): void;
  /** Done when the connection has ended; never rejects. */
  readonly closed: Promise<Close>;
}

/** A connection over a byte stream. */
export interface Conn extends BasicConn {
  readonly abilities: { readonly [Ability in keyof PlatformAbilities]: true };
  readonly role: Role;
  /** On a server: what the client asked. */
  readonly request: UpgradeRequest | null;
  /** On a client: what the server answered. */
  readonly response: UpgradeResponse | null;
  readonly localAddress: string | null;
  readonly remoteAddress: string | null;
  /** What the connection runs over. Reading from it or writing to it breaks the connection. */
  readonly socket: unknown;
  /** The next message as a stream, or `null` after an orderly close. Asking for another message skips the rest of it. */
  receiveStream(options?: { signal?: AbortSignal }): Promise<MessageStream | null>;
  /** `kind: 'text'` sends bytes as text, which must be UTF-8. `compress: false` sends this message as it is. From 4 KiB on, a server sends bytes without copying them: leave them alone until the promise is done. */
  send(data: Sendable, options?: { kind?: MessageKind; compress?: boolean }): Promise<void>;
  /** A message to be written piece by piece, each a frame of its own. Aborting it fails the connection: a truncated message is never passed off as whole. */
  sendStream(kind: MessageKind): WritableStream<Sendable>;
  sendPrepared(message: PreparedMessage): Promise<void>;
  /** Sends a Ping of at most 125 bytes. */
  ping(data?: Sendable): void;
  /** Sends a Pong of at most 125 bytes. */
  pong(data?: Sendable): void;
  onping: ((data: Uint8Array) => void) | null;
  onpong: ((data: Uint8Array) => void) | null;
  /** Changes the longest message that is taken, in bytes. */
  setReadLimit(bytes: number): void;
  setCompression(compress: boolean): void;
  setCompressionLevel(level: number): void;
  /** The connection in the shape of `WebSocketStream`. */
  readonly opened: Promise<{ readable: ReadableStream<Message>; writable: WritableStream<Sendable>; protocol: string; extensions: string }>;
}

/** What a platform's own WebSocket may lack. */
export interface PlatformAbilities {
  /** `ping`, `pong`, `onping`, `onpong`. */
  ping: boolean;
  /** `receive` that stops the peer, `send` that can be waited for. */
  backpressure: boolean;
  /** `receiveStream`, `sendStream`. */
  streams: boolean;
  /** `setReadLimit`. */
  readLimit: boolean;
  /** `setCompression`, `setCompressionLevel`, `sendPrepared`. */
  compression: boolean;
}

/** A connection over the platform's own `WebSocket`: what it lacks is not there. */
export interface PlatformConn extends BasicConn {
  readonly abilities: { readonly [Ability in keyof PlatformAbilities]: false };
  /** The platform's WebSocket. */
  readonly socket: WebSocket;
}

/** Wraps a platform's WebSocket: from `new WebSocket(…)`, `Deno.upgradeWebSocket`, or one end of a `WebSocketPair`, which it accepts. Resolves once it is open. Call it before the turn ends in which the socket was made. The platform cannot stop the peer: when more waits than `limits.receiveBuffer`, the connection is closed with 1008, or 4008. */
export function fromWebSocket(socket: WebSocket, options?: { limits?: Pick<Limits, 'receiveBuffer' | 'sendBuffer'>; timeouts?: Pick<Timeouts, 'handshake' | 'close'>; signal?: AbortSignal }): Promise<PlatformConn>;

/** Answers a request with a `WebSocketPair` where the platform has it: return `response` from `fetch`. What an `Upgrader` would refuse is refused with the same status: `conn` then rejects with a `HandshakeError`. Throws `UNSUPPORTED` elsewhere. */
export function upgradeToPair(request: Request, options?: Pick<ServerOptions, 'origins' | 'subprotocols' | 'headers'>): { response: Response; conn: Promise<PlatformConn> };

/** Sends what comes from one connection on the other, both ways, until both have ended; closing one closes the other with the same code, or what comes closest. */
export function bridge(a: BasicConn, b: BasicConn): Promise<void>;

/** Size of the linear memory in bytes, which all connections share. It never shrinks. */
export function memorySize(): number;

/** Reads the messages of a connection as one byte stream, with `separator` after each. */
export function joinMessages(conn: BasicConn, separator?: string): ReadableStream<Uint8Array>;
