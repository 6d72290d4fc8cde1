// run.mjs OPTIONS: runs a set of tests in Node, Deno or Bun, and prints an outcome per line. OPTIONS is JSON: { set, filter, only, context }.
import '../suite/probe.mjs';

import { run } from '../suite/harness.mjs';

const sets = {
  suite: () => import('../suite/index.mjs'),
  clients: () => import('../sockets/clients.mjs'),
  node: () => import('../sockets/node.mjs'),
};

const [options] = globalThis.Deno?.args ?? process.argv.slice(2);
const { set, filter, only, context } = JSON.parse(options);
const { groups } = await sets[set]();
await run(groups, { filter, only, context }, (outcome) => console.log(JSON.stringify(outcome)));
console.log(JSON.stringify({ done: true }));
(globalThis.Deno ?? process).exit(0);
