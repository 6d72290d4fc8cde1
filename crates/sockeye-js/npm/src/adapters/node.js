import * as net from 'node:net';
import * as tls from 'node:tls';

import { connected, tlsOptions } from './connected.js';

/**
 * Connects with `net.connect` or `tls.connect`, in Node and Bun.
 * @param {import('../index.js').Target} target
 * @returns {Promise<net.Socket>}
 */
export async function connect({ hostname, port, secure, signal, tls: settings }) {
  signal.throwIfAborted();
  if (secure) return connected(tls.connect({ ...tlsOptions(hostname, settings), port }), 'secureConnect', signal);
  return connected(net.connect({ host: hostname, port }), 'connect', signal);
}
