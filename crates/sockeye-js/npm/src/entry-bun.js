// Bun. `type: 'file'` has `bun build --compile` put the module into the executable.

import { readFileSync } from 'node:fs';

import file from './sockeye-server.wasm' with { type: 'file' };

import { connect } from './adapters/bun.js';
import { attach } from './core.js';
import { initSync } from './glue.js';
import { setPlatform } from './platform.js';

attach(initSync({ module: readFileSync(file) }));
setPlatform({ connect });

export * from './index.js';
