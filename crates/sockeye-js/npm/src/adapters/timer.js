/**
 * Calls back after so many milliseconds, without keeping the process alive for it.
 * @param {number} ms
 * @param {() => void} callback
 */
export function later(ms, callback) {
  const timer = setTimeout(callback, ms);
  if (typeof timer === 'object') timer.unref?.();
  else globalThis.Deno?.unrefTimer(timer);
  return timer;
}

/** How long the peer may take to end its side after this side was ended, in milliseconds. */
export const LINGER = 2000;

/** How long it may take until all that was written is gone after `end()`, in milliseconds. */
export const FLUSH = 30_000;
