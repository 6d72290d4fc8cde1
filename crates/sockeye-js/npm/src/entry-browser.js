// Browsers, which have no sockets to connect with.

import { attach } from './core.js';
import init from './glue.js';

attach(await init({ module_or_path: new URL('./sockeye.wasm', import.meta.url) }));

export * from './index.js';
