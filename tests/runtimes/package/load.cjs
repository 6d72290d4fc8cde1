// Loads the package with `require`, which Node.js can do with modules from 20.19 on.

const assert = require('node:assert').strict;

const { Engine } = require('sockeye');

const engine = new Engine({ role: 'client', host: 'example.com', target: '/' });
assert.match(new TextDecoder().decode(engine.take()), /^GET \/ HTTP\/1\.1\r\n/);
engine.free();
