// Node.js.

import { readFileSync } from 'node:fs';

import { connect } from './adapters/node.js';
import { attach } from './core.js';
import { initSync } from './glue.js';
import { setPlatform } from './platform.js';

attach(initSync({ module: readFileSync(new URL('./sockeye-server.wasm', import.meta.url)) }));
setPlatform({ connect });

export * from './index.js';
