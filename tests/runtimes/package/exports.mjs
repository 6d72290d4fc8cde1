// Compares what the types promise with what the modules export.

import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';

for (const [name, types] of [['sockeye', 'index'], ['sockeye/inline', 'index'], ['sockeye/manual', 'manual'], ['sockeye/proxy', 'proxy']]) {
  assert.deepEqual(Object.keys(await import(name)).sort(), [...promised(types)].sort(), name);
}

function promised(types) {
  const text = readFileSync(new URL(`node_modules/sockeye/dist/${types}.d.ts`, import.meta.url), 'utf8');
  const own = Array.from(text.matchAll(/^export (?:declare )?(?:abstract )?(?:class|function|const) (\w+)/gm), ([, name]) => name);
  const all = Array.from(text.matchAll(/^export \* from '\.\/(\w+)\.js'/gm), ([, file]) => [...promised(file)]);
  return new Set([own, all].flat(2));
}
