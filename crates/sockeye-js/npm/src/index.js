// Everything that the package exports, whatever it runs on.

export { bridge, joinMessages } from './bridge.js';
export { memorySize } from './core.js';
export { Dialer, dial } from './dialer.js';
export { Engine, FrameDecoder, PreparedMessage } from './engine.js';
export { CloseCode, CloseError, HandshakeError, ProtocolError, SendError, SockeyeError, TransportError, UsageError, isCloseError, isUnexpectedCloseError } from './errors.js';
export { isWebSocketUpgrade, subprotocols } from './request.js';
export { Upgrader } from './upgrader.js';
export { fromWebSocket, upgradeToPair } from './websocket.js';
