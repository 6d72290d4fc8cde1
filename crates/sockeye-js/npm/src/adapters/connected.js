/**
 * Waits until a socket of Node is connected. An abort destroys it.
 * @param {import('node:net').Socket} socket
 * @param {'connect' | 'secureConnect'} event
 * @param {AbortSignal} signal
 */
export function connected(socket, event, signal) {
  return new Promise((resolve, reject) => {
    const forget = () => signal.removeEventListener('abort', abort);
    const abort = () => {
      reject(signal.reason);
      socket.destroy();
    };
    // It stays: until a transport listens, nobody else does.
    socket.on('error', reject);
    socket.once(event, () => {
      forget();
      resolve(socket);
    });
    socket.once('close', () => {
      forget();
      reject(new Error('the connection was closed before it was open'));
    });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

/**
 * The settings of a TLS client for this server.
 * @param {string} hostname
 * @param {object} [settings]
 */
export function tlsOptions(hostname, settings) {
  // RFC 6066 §3: an address is no name of a server.
  const servername = /^[\d.]+$|:/.test(hostname) ? '' : hostname;
  return { servername, ...settings, host: hostname, ALPNProtocols: ['http/1.1'] };
}
