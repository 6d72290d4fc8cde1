import { connected, tlsOptions } from './adapters/connected.js';
import { shaken } from './adapters/deno.js';
import { SockeyeError, UsageError } from './errors.js';
import { platform } from './platform.js';
import { ProxyError, askHttp, askSocks } from './proxy/ask.js';
import { environmentRules, exceptions, parseAddress, parseProxy } from './proxy/rules.js';

export { ProxyError };

/**
 * Connects through a proxy: to be given to a `Dialer` as `connect`.
 * @type {typeof import('./proxy.d.ts').throughProxy}
 */
export function throughProxy(proxy, options = {}) {
  const proxyFor = rules(proxy, options);
  return async (target) => {
    const connect = options.connect ?? platform.connect;
    if (!connect) throw new UsageError('UNSUPPORTED', 'this platform has no sockets: pass the option connect');
    const found = proxyFor(target);
    if (!found) return connect(target);
    if (typeof found.proxy === 'string') throw new UsageError('INVALID_PROXY', `${found.name} is not a proxy: ${found.proxy}`);
    return through(found.proxy, target, connect, options.tls);
  };
}

function rules(proxy, { except = '', variables = globalThis.process?.env }) {
  if (proxy === 'environment') {
    if (!variables) throw new UsageError('UNSUPPORTED', 'this platform has no environment: pass the option variables');
    return environmentRules(variables);
  }
  const parsed = parseProxy(String(proxy));
  if (typeof parsed === 'string') throw new UsageError('INVALID_PROXY', `the proxy URL is not a proxy: ${parsed}`);
  const isExcepted = exceptions(except);
  return ({ hostname, port }) => (isExcepted(hostname, port) ? null : { name: 'the proxy URL', proxy: parsed });
}

async function through({ scheme, hostname, port, user, authorization }, target, connect, tls) {
  const { signal } = target;
  const host = scheme === 'socks5' ? await lookup(target.hostname) : target.hostname;
  let stream;
  try {
    stream = await connect({ hostname, port, secure: scheme === 'https', signal, tls });
  } catch (error) {
    // An abort and what the platform cannot do stay themselves.
    if (signal.aborted || error instanceof UsageError) throw error;
    throw new ProxyError('PROXY_UNREACHABLE', `the proxy cannot be reached: ${error.message}`, { cause: error });
  }
  const close = () => closeStream(stream);
  signal.addEventListener('abort', close, { once: true });
  try {
    signal.throwIfAborted();
    const wire = wireOf(stream);
    try {
      if (scheme.startsWith('http')) await askHttp(wire, hostAndPort(target), authorization);
      else await askSocks(wire, host, target.port, user);
    } finally {
      wire.release();
    }
    return target.secure ? await startTls(stream, target) : stream;
  } catch (error) {
    close();
    signal.throwIfAborted();
    if (error instanceof SockeyeError || target.secure) throw error;
    throw new ProxyError('PROXY_CLOSED', `the connection to the proxy broke: ${error.message}`, { cause: error });
  } finally {
    signal.removeEventListener('abort', close);
  }
}

/** Speaks TLS on a stream that leads to the server. */
async function startTls(stream, { hostname, signal, tls }) {
  if (typeof stream.on === 'function') {
    let connectTls;
    try {
      connectTls = (await import('node:tls')).connect;
    } catch (error) {
      throw new UsageError('UNSUPPORTED', 'this platform has no node:tls to speak TLS on such a stream', { cause: error });
    }
    return connected(connectTls({ ...tlsOptions(hostname, tls), socket: stream }), 'secureConnect', signal);
  }
  if (typeof stream.closeWrite === 'function') {
    // Only its TLS connections have this: Deno speaks no TLS on them.
    if (stream.handshake) throw new UsageError('UNSUPPORTED', 'Deno speaks no TLS within TLS: use an http: or socks5h: proxy');
    return shaken(globalThis.Deno.startTls(stream, { ...tls, hostname, alpnProtocols: ['http/1.1'] }), signal);
  }
  if (typeof stream.startTls === 'function') {
    if (tls) throw new UsageError('UNSUPPORTED', 'workerd has no settings of TLS: leave out the option tls');
    if (stream.secureTransport === 'on') throw new UsageError('UNSUPPORTED', 'workerd speaks no TLS within TLS: use an http: or socks5h: proxy');
    const { opened } = await import('./adapters/workerd.js');
    return opened(stream.startTls({ expectedServerHostname: hostname }), signal);
  }
  throw new UsageError('UNSUPPORTED', 'there is no way to speak TLS on this stream');
}

/** The first address of a name: `socks5:` has it looked up here. */
async function lookup(hostname) {
  if (parseAddress(hostname)) return hostname;
  let dns;
  try {
    dns = await import('node:dns/promises');
  } catch (error) {
    throw new UsageError('UNSUPPORTED', 'this platform cannot look names up: use socks5h: to have the proxy do it', { cause: error });
  }
  return (await dns.lookup(hostname)).address;
}

/**
 * Reads and writes a stream for a while, and gives it back.
 * @returns {import('./proxy/ask.js').Wire & { release(): void }}
 */
function wireOf(stream) {
  if (typeof stream.on === 'function') return nodeWire(stream);
  if (typeof stream.closeWrite === 'function') {
    return {
      async read() {
        const bytes = new Uint8Array(1024);
        const length = await stream.read(bytes);
        return length === null ? null : bytes.subarray(0, length);
      },
      async write(bytes) {
        let written = 0;
        while (written < bytes.length) written += await stream.write(bytes.subarray(written));
      },
      release() {},
    };
  }
  const reader = stream.readable.getReader();
  const writer = stream.writable.getWriter();
  for (const closed of [reader.closed, writer.closed]) closed.catch(() => {});
  return {
    read: async () => (await reader.read()).value ?? null,
    write: (bytes) => writer.write(bytes),
    release() {
      reader.releaseLock();
      writer.releaseLock();
    },
  };
}

function nodeWire(socket) {
  let wake = () => {};
  let failure = null;
  const onReadable = () => wake();
  const onError = (error) => {
    failure = error;
    wake();
  };
  const listeners = { readable: onReadable, end: onReadable, close: onReadable, error: onError };
  for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener);
  return {
    async read() {
      for (;;) {
        const chunk = socket.read();
        if (chunk) return chunk;
        if (failure) throw failure;
        if (socket.destroyed || socket.readableEnded) return null;
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
    },
    write: async (bytes) => void socket.write(bytes),
    release() {
      for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener);
    },
  };
}

function closeStream(stream) {
  try {
    const closing = stream.destroy ? stream.destroy() : stream.close();
    closing?.catch?.(() => {});
  } catch {
    // It is closed already.
  }
}

function hostAndPort({ hostname, port }) {
  return hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
