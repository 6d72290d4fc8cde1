// The package ws.
import { load } from '../lib/tools.mjs';

export const { WebSocket, WebSocketServer } = load('ws');
