// `sockeye/inline`: for bundlers that do not copy the module, and wherever files cannot be loaded. Knows no platform's sockets.

import { attach } from './core.js';
import { initSync } from './glue.js';
import base64 from './inline-wasm.js';

attach(initSync({ module: Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)) }));

export * from './index.js';
