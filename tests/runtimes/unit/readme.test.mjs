// The README of the package names every error code there is, and no other.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path) => readFileSync(`${root}/${path}`, 'utf8');
const inCapitals = (name) => name.replace(/(?!^)[A-Z]/g, '_$&').toUpperCase();

/** The codes that the engine gives names to. */
function engineCodes() {
  const codes = new Set();
  for (const [path, isHandshake] of [['crates/sockeye/src/error.rs', false], ['crates/sockeye/src/handshake/error.rs', true]]) {
    const lists = [...read(path).matchAll(/variant_name!\(\s*self,([^)]*)\)/g)].map(([, list]) => list.trim().split(/\s+/));
    assert.equal(lists.length, 2, path);
    // What is wrong with an option is told in a sentence: its code is INVALID_OPTION.
    for (const name of isHandshake ? lists[0] : lists.flat()) codes.add(inCapitals(name));
  }
  for (const [, name] of read('crates/sockeye-js/src/describe.rs').matchAll(/\("\w+", "([A-Z]\w+)", /g)) codes.add(inCapitals(name));
  return codes;
}

/** The codes that the sources in JavaScript write out. */
function scriptCodes() {
  const codes = new Set();
  const folder = 'crates/sockeye-js/npm/src';
  for (const name of readdirSync(`${root}/${folder}`, { recursive: true })) {
    if (!name.endsWith('.js')) continue;
    const source = read(`${folder}/${name}`);
    for (const [, code] of source.matchAll(/(?:Error|fail)\('([A-Z0-9_]{3,})'/g)) codes.add(code);
    for (const [, code] of source.matchAll(/refuse\(.*'([A-Z0-9_]{3,})'\)/g)) codes.add(code);
  }
  return codes;
}

test('README names every error code, and no other', () => {
  const readme = read('crates/sockeye-js/npm/README.md');
  const section = readme.slice(readme.indexOf('\n## Errors'), readme.indexOf('\n## Memory'));
  const named = new Set([...section.matchAll(/`([A-Z][A-Z0-9_]{3,})`/g)].map(([, code]) => code));
  const there = new Set([...engineCodes(), ...scriptCodes(), 'CLOSED']);
  assert.ok(there.size > 80);
  assert.deepEqual([...named].filter((code) => !there.has(code)), []);
  assert.deepEqual([...there].filter((code) => !named.has(code)), []);
});
