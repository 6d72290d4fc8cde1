// Loads every entry of the package that this runtime can load by itself.

import { strict as assert } from 'node:assert';

import { Engine } from 'sockeye';
import * as inline from 'sockeye/inline';

for (const Class of [Engine, inline.Engine]) {
  const engine = new Class({ role: 'client', host: 'example.com', target: '/' });
  assert.match(new TextDecoder().decode(engine.take()), /^GET \/ HTTP\/1\.1\r\n/);
  engine.free();
}
