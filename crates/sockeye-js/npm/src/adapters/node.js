import * as net from 'node:net';
import * as tls from 'node:tls';

/**
 * Connects with `net.connect` or `tls.connect`, in Node and Bun.
 * @param {import('../index.js').Target} target
 * @returns {Promise<net.Socket>}
 */
export async function connect({ hostname, port, secure, signal, tls: settings }) {
  signal.throwIfAborted();
  const where = { host: hostname, port };
  return connected(secure ? tls.connect({ ...tlsOptions(hostname, settings), ...where }) : net.connect(where), secure, signal);
}

/** The settings of a TLS client for this server. */
export function tlsOptions(hostname, settings) {
  // RFC 6066 §3: the name of a server is not an address.
  const servername = net.isIP(hostname) ? '' : hostname;
  return { servername, ...settings, ALPNProtocols: ['http/1.1'] };
}

/** Waits until the socket is connected. An abort destroys it. */
export function connected(socket, isSecure, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      socket.destroy();
    };
    // It stays: between this and the transport, errors are told by `errored`.
    socket.on('error', (error) => reject(error));
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      signal.removeEventListener('abort', abort);
      resolve(socket);
    });
    socket.once('close', () => {
      signal.removeEventListener('abort', abort);
      reject(new Error('the connection was closed before it was open'));
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}
