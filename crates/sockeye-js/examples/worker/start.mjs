// Starts the backend with a certificate made for it, and the worker in front of it.

import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { serve } from '../workerd.mjs';
import { listen } from './backend.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const out = `${folder}out`;
mkdirSync(out, { recursive: true });
execFileSync('openssl', [
  'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
  '-addext', 'subjectAltName=DNS:localhost', '-keyout', `${out}/key.pem`, '-out', `${out}/certificate.pem`,
], { stdio: 'pipe' });
const token = randomUUID();
const backend = await listen({ key: readFileSync(`${out}/key.pem`, 'utf8'), cert: readFileSync(`${out}/certificate.pem`, 'utf8'), token });
const port = await serve(folder, {
  port: process.env.PORT ?? 8082,
  env: { BACKEND: `wss://localhost:${backend}/`, TOKEN: token },
});
console.log(`listening on http://127.0.0.1:${port}, in front of wss://localhost:${backend}`);
console.log(`try: npx wscat --connect ws://127.0.0.1:${port}, and send: what did you see?`);
