import { untilAborted } from '../abort.js';
import { UsageError } from '../errors.js';

/**
 * Connects with `cloudflare:sockets`.
 * @param {import('../index.js').Target} target
 */
export async function connect({ hostname, port, secure, signal, tls }) {
  if (tls) throw new UsageError('UNSUPPORTED', 'workerd has no settings of TLS: leave out the option tls');
  signal.throwIfAborted();
  // Not at the top: elsewhere there is no such module.
  const { connect: connectSocket } = await import('cloudflare:sockets');
  // It wants an IPv6 address as URLs have it.
  const name = hostname.includes(':') ? `[${hostname}]` : hostname;
  // Behind a proxy, TLS begins later.
  const socket = connectSocket({ hostname: name, port }, { secureTransport: secure ? 'on' : 'starttls', allowHalfOpen: false });
  return opened(socket, signal);
}

/** Waits until a socket is open. An abort closes it. */
export async function opened(socket, signal) {
  socket.closed.catch(() => {});
  try {
    await untilAborted(signal, socket.opened);
    return socket;
  } catch (error) {
    socket.close().catch(() => {});
    throw error;
  }
}
