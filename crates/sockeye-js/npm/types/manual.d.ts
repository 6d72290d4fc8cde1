// The types of `sockeye/manual`: everything that `sockeye` has, and two ways to load the module.

export * from './index.js';

/** The bytes of a module, or the module compiled (`WebAssembly.Module`). */
export type ModuleSource = ArrayBuffer | ArrayBufferView | object;

/** Loads a module: one of the package's three, from wherever it is kept. Call it, or `initSync`, once before anything else. */
export function init(source: string | URL | Request | Response | PromiseLike<Response> | ModuleSource): Promise<void>;

/** Loads a module that is there already. Browsers refuse to compile a large one on the main thread. */
export function initSync(module: ModuleSource): void;
