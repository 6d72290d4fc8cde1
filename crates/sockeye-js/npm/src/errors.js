// Errors, each with a `code` to tell them by.

/** What all errors of this package are. */
export class SockeyeError extends Error {
  /**
   * @param {string} code a word such as `INVALID_UTF8`
   * @param {string} message a sentence
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
  get name() {
    return this.constructor.name;
  }
}

/** Something was called wrongly. */
export class UsageError extends SockeyeError {}

/** A message could not be sent. Nothing of it was. */
export class SendError extends SockeyeError {}

/** The peer broke a rule, or a timeout. */
export class ProtocolError extends SockeyeError {
  /** @type {number | null} */
  closeCode = null;
}

/** The opening handshake failed. */
export class HandshakeError extends SockeyeError {
  /** @type {number | null} */
  status = null;
  response = null;
}

/** The byte stream broke. */
export class TransportError extends SockeyeError {}

/** The connection ended, and not in order. */
export class CloseError extends SockeyeError {
  /** @param {object} close how it ended */
  constructor(close) {
    const why = close.error ? close.error.message : close.reason;
    super(close.error ? close.error.code : 'CLOSED', `the connection ended with ${close.code}${why && `: ${why}`}`, { cause: close.error ?? undefined });
    this.close = close;
    this.closeCode = close.code;
    this.reason = close.reason;
  }
}

/** Whether this is a `CloseError` with one of these codes; with any code when none are given. */
export const isCloseError = (error, ...codes) => error instanceof CloseError && (codes.length === 0 || codes.includes(error.closeCode));

/** Whether this is a `CloseError` with none of these codes. */
export const isUnexpectedCloseError = (error, ...codes) => error instanceof CloseError && !codes.includes(error.closeCode);

/** The registered close codes (RFC 6455 §7.4.1). */
export const CloseCode = Object.freeze({
  NORMAL: 1000,
  GOING_AWAY: 1001,
  PROTOCOL_ERROR: 1002,
  UNSUPPORTED_DATA: 1003,
  NO_STATUS: 1005,
  ABNORMAL: 1006,
  INVALID_PAYLOAD: 1007,
  POLICY_VIOLATION: 1008,
  MESSAGE_TOO_BIG: 1009,
  MANDATORY_EXTENSION: 1010,
  INTERNAL_ERROR: 1011,
  SERVICE_RESTART: 1012,
  TRY_AGAIN_LATER: 1013,
  BAD_GATEWAY: 1014,
  TLS_HANDSHAKE: 1015,
});

/** Throws what a call with such an argument deserves. */
export const refuse = (message, code = 'INVALID_ARGUMENT') => {
  throw new UsageError(code, message);
};
