// An authority of our own, and a certificate of it for this machine.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { output } from './process.mjs';
import { target } from './tools.mjs';

/** Makes them anew with openssl. Returns the files' paths and contents, in PEM. */
export async function certificates() {
  const folder = join(target, 'tls');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = (name) => join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await output('openssl', [
    'req', '-x509', ...key, '-days', '30', '-subj', '/CN=authority of the tests', '-keyout', file('authority.key'), '-out', file('authority.pem'),
    '-addext', 'keyUsage=critical,keyCertSign,cRLSign',
  ]);
  await output('openssl', ['req', '-new', ...key, '-subj', '/CN=localhost', '-keyout', file('key.pem'), '-out', file('request.pem')]);
  writeFileSync(file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n');
  await output('openssl', [
    'x509', '-req', '-in', file('request.pem'), '-CA', file('authority.pem'), '-CAkey', file('authority.key'), '-CAcreateserial',
    '-days', '30', '-extfile', file('names'), '-out', file('certificate.pem'),
  ]);
  const read = (name) => readFileSync(file(name), 'utf8');
  return {
    authority: read('authority.pem'),
    certificate: read('certificate.pem'),
    key: read('key.pem'),
    files: { authority: file('authority.pem'), certificate: file('certificate.pem'), key: file('key.pem') },
  };
}
