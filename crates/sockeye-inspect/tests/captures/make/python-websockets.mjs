// PYTHON=python3 node python-websockets.mjs: Python's websockets in both roles -> python-websockets.{c2s,s2c}.raw
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { record } from './relay.mjs';

const python = process.env.PYTHON ?? 'python3';
const server = spawn(python, ['websockets_peer.py', '0']);
const [port] = await once(server.stdout, 'data');
const relay = await record(Number(port), '../python-websockets');
const client = spawn(python, ['websockets_peer.py', String(relay.port)], { stdio: 'inherit' });
await once(client, 'exit');
await relay.done;
server.kill();
