// `sockeye/manual`: for those who load the module themselves. Knows no platform's sockets.

import { attach } from './core.js';
import { UsageError } from './errors.js';
import initGlue, { initSync as initGlueSync } from './glue.js';

export * from './index.js';

/**
 * Loads a module: one of the package's three, from wherever it is kept. Call it, or `initSync`, once before anything else.
 *
 * @param {string | URL | Request | Response | PromiseLike<Response> | BufferSource | WebAssembly.Module} source
 *   Where it is to be fetched from, its bytes, or the module compiled.
 */
export async function init(source) {
  if (typeof source !== 'string' && (typeof source !== 'object' || source === null)) throw noModule();
  attach(await initGlue({ module_or_path: source }));
}

/**
 * Loads a module that is there already. Browsers refuse to compile a large one on the main thread.
 *
 * @param {BufferSource | WebAssembly.Module} module Its bytes, or the module compiled.
 */
export function initSync(module) {
  if (!(module instanceof ArrayBuffer || ArrayBuffer.isView(module) || module instanceof WebAssembly.Module)) throw noModule();
  attach(initGlueSync({ module }));
}

const noModule = () => new UsageError('INVALID_ARGUMENT', 'a module is given as its bytes or as a WebAssembly.Module, to init() also as what fetches it');
