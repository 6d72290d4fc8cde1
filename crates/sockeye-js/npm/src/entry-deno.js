// Deno. The module comes as a source: that needs no permission to read files.

import source module from './sockeye-server.wasm';

import { connect } from './adapters/deno.js';
import { attach } from './core.js';
import { initSync } from './glue.js';
import { setPlatform } from './platform.js';

attach(initSync({ module }));
setPlatform({ connect });

export * from './index.js';
