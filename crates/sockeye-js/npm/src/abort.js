/**
 * What a promise leads to, unless an abort comes first. What it leads to after that is disposed of.
 * @template T
 * @param {AbortSignal} signal
 * @param {T | Promise<T>} promise
 * @param {(value: T) => void} [dispose]
 * @returns {Promise<T>}
 */
export function untilAborted(signal, promise, dispose) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    Promise.resolve(promise)
      .then((value) => (signal.aborted ? dispose?.(value) : resolve(value)))
      .catch(reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}
