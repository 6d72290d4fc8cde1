// How all servers here are set.
export const settings = {
  deflate: true,
  origins: 'any',
  subprotocols: ['chat.v2', 'chat.v1'],
  headers: { 'X-Server': 'sockeye' },
  limits: { messageSize: 16 << 20, frameSize: 16 << 20 },
};
