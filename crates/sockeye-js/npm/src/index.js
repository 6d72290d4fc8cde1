// Everything that the package exports, whatever it runs on.

export { CloseCode, CloseError, HandshakeError, ProtocolError, SendError, SockeyeError, TransportError, UsageError, isCloseError, isUnexpectedCloseError } from './errors.js';
export { Engine, FrameDecoder, PreparedMessage } from './engine.js';
export { Conn } from './conn.js';
export { memorySize } from './core.js';
