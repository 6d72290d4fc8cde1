// The package ws, where it was installed: SOCKEYE_INTEROP/node_modules.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.SOCKEYE_INTEROP, 'node_modules', 'x.js'));
export const { WebSocket, WebSocketServer } = require('ws');
