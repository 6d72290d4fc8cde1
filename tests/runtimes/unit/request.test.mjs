import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isWebSocketUpgrade, subprotocols } from '../../../crates/sockeye-js/npm/src/request.js';

const node = (...rawHeaders) => ({ method: 'GET', url: '/', httpVersion: '1.1', rawHeaders });
const fetched = (headers) => ({ headers: new Headers(headers) });

test('row 21: an upgrade needs both fields, in any case and place', () => {
  for (const [fields, expected] of [
    [['CONNECTION', 'a,  UPGRADE', 'uPGRADE', 'h2c, WebSocket'], true],
    [['Connection', 'keep-alive', 'connection', 'upgrade', 'Upgrade', 'websocket'], true],
    [['Connection', 'upgrade', 'Upgrade', 'h2c'], false],
    [['Connection', 'keep-alive', 'Upgrade', 'websocket'], false],
    [['Connection', 'upgrades', 'Upgrade', 'websocket'], false],
    [['Upgrade', 'websocket'], false],
    [[], false],
  ]) {
    assert.equal(isWebSocketUpgrade(node(...fields)), expected, fields.join());
  }
});

test('row 21: a platform that hides Connection is believed', () => {
  assert.equal(isWebSocketUpgrade(fetched({ Upgrade: 'websocket' })), true);
  assert.equal(isWebSocketUpgrade(fetched({ Upgrade: 'websocket', Connection: 'Upgrade' })), true);
  assert.equal(isWebSocketUpgrade(fetched({ Upgrade: 'websocket', Connection: 'close' })), false);
  assert.equal(isWebSocketUpgrade(fetched({})), false);
});

test('row 21: subprotocols come in order, without what is no token', () => {
  assert.deepEqual(subprotocols(node('Sec-WebSocket-Protocol', 'chat,\tsuperchat, ', 'sec-websocket-protocol', 'a b, mqtt')), ['chat', 'superchat', 'mqtt']);
  assert.deepEqual(subprotocols(fetched({ 'Sec-WebSocket-Protocol': 'v1.a, v2_b' })), ['v1.a', 'v2_b']);
  assert.deepEqual(subprotocols(node()), []);
});
