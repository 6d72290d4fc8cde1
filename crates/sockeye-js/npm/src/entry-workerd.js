// Cloudflare Workers and workerd, which compile modules only ahead of time.

import module from './sockeye.wasm';

import { connect } from './adapters/workerd.js';
import { attach } from './core.js';
import { initSync } from './glue.js';
import { setPlatform } from './platform.js';

attach(initSync({ module }));
setPlatform({ connect });

export * from './index.js';
