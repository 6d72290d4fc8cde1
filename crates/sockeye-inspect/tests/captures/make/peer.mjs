import { WebSocketServer } from 'ws';

/**
 * A server that greets with a fragmented message and a Ping between, echoes, and answers `stream` with ten messages that are much alike.
 *
 * @returns {Promise<{ port: number, server: import('http').Server, sockets: WebSocketServer }>}
 */
export async function serve(page = '') {
  const http = await import('node:http');
  const server = http.createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(page);
  });
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => (offered.has('demo.v1') ? 'demo.v1' : false),
  });
  sockets.on('connection', (socket) => {
    socket.send('hello in two ', { fin: false });
    socket.ping('between');
    socket.send('fragments', { fin: true });
    socket.on('message', (data, binary) => {
      if (String(data) !== 'stream') return socket.send(data, { binary });
      for (let tick = 0; tick < 10; tick += 1) {
        socket.send(JSON.stringify({ type: 'tick', symbol: 'SOCK', number: tick, price: 100 + tick / 8 }));
      }
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, server, sockets };
}
