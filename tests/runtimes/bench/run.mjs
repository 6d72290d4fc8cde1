// The benchmark of the npm package beside npm `ws`, on this Node: `cargo xtask bench js`.

import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { resolve } from 'node:path';
import os from 'node:os';

import { Load, verify } from './load.mjs';
import { measureMemory } from './memory.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { CANDIDATES, PEER, Server } from './servers.mjs';
import { bold, median, print, times } from './table.mjs';

const USAGE = `cargo xtask bench js [echo|memory]... [OPTIONS]

  --rounds N        how often each server is measured in each scenario (5)
  --seconds S       how long each time, in seconds (1)
  --warm-up S       how long before the first round, in seconds (2)
  --scenario TEXT   only scenarios with this in their name
  --connections N   how many connections \`memory\` opens (10000)
  --json            print the figures as JSON as well
  --profile FOLDER  leave a profile of each server there`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    entry: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    'warm-up': { type: 'string', default: '2' },
    scenario: { type: 'string', default: '' },
    connections: { type: 'string', default: '10000' },
    json: { type: 'boolean' },
    profile: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const WHAT = ['echo', 'memory'];
const what = positionals.length > 0 ? positionals : WHAT;
const unknown = what.find((name) => !WHAT.includes(name));
if (values.help || unknown) {
  console.log(unknown ? `there is no measurement ${unknown}\n\n${USAGE}` : USAGE);
  process.exit(unknown ? 2 : 0);
}
const entry = resolve(values.entry);
const number = (name) => {
  const value = Number(values[name]);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`);
  return value;
};
const settings = { entry, rounds: number('rounds'), seconds: number('seconds'), warmUp: number('warm-up'), connections: number('connections'), profile: values.profile };

console.log(`Node.js ${process.versions.node}, ${os.cpus().length} × ${os.cpus()[0].model}, load ${os.loadavg()[0].toFixed(1)}`);
const results = {};
if (what.includes('echo')) results.echo = await measureEcho();
if (what.includes('memory')) results.memory = await measureMemory(settings);
if (values.json) console.log(JSON.stringify(results));

async function measureEcho() {
  const chosen = SCENARIOS.filter(({ name }) => name.includes(values.scenario));
  if (chosen.length === 0) throw new Error(`no scenario has ${values.scenario} in its name: ${SCENARIOS.map(({ name }) => name).join('; ')}`);
  const rows = [];
  for (const scenario of chosen) rows.push(await measureScenario(scenario));
  report(rows);
  return rows;
}

/** Starts the servers, warms them up, and measures them in turn, round after round. */
async function measureScenario(scenario) {
  const made = scenario.make();
  const servers = [];
  const samples = Object.fromEntries(CANDIDATES.map((name) => [name, []]));
  const agreed = {};
  for (const name of CANDIDATES) servers.push([name, await Server.start(name, { ...settings, windowBits: scenario.windowBits })]);
  for (const [name, server] of servers) {
    agreed[name] = await verify(server.port, scenario, made);
    await measure(server, scenario, made.bursts, settings.warmUp);
  }
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const [name, server] of servers) samples[name].push(await measure(server, scenario, made.bursts, settings.seconds));
  }
  for (const [, server] of servers) await server.stop();
  return { scenario, samples, agreed };
}

/** One measurement: after its connections have warmed up. */
async function measure(server, scenario, bursts, seconds) {
  const load = await Load.start(server.port, scenario, bursts);
  await sleep(100);
  const before = await server.usage();
  const own = process.cpuUsage();
  const start = performance.now();
  const { messages } = load;
  await sleep(seconds * 1000);
  const answered = load.messages - messages;
  const elapsed = (performance.now() - start) * 1000;
  const { user, system } = process.cpuUsage(own);
  const after = await server.usage();
  await load.stop();
  return { cost: (after.cpu - before.cpu) / answered, rate: (answered / elapsed) * 1e6, own: (user + system) / elapsed };
}

function report(rows) {
  const ours = CANDIDATES.slice(0, 2);
  const ratio = (samples, name) => median(samples[name].map(({ cost }, round) => cost / samples[PEER][round].cost));
  print(
    "The server's processor time per message, in µs, and in how many times that of ws + bufferutil (medians of rounds; less is better)",
    ['', ...CANDIDATES.flatMap((name) => (name === PEER ? [name] : [name, ''])), 'bar', ...ours.map((name) => `${name}: met`)],
    rows.map(({ scenario, samples }) => [
      scenario.name,
      ...CANDIDATES.flatMap((name) => {
        const cost = median(samples[name].map((sample) => sample.cost)).toFixed(2);
        return name === PEER ? [cost] : [cost, times(ratio(samples, name))];
      }),
      scenario.words ?? '',
      ...ours.map((name) => (scenario.bar ? (ratio(samples, name) <= scenario.bar ? 'yes' : bold('NO')) : '')),
    ]),
  );
  print(
    'Messages per second (the load generator may be what bounds them: how busy it is with ws + bufferutil, and with onmessages)',
    ['', ...CANDIDATES, 'busy', ''],
    rows.map(({ scenario, samples }) => [
      scenario.name,
      ...CANDIDATES.map((name) => Math.round(median(samples[name].map(({ rate }) => rate))).toLocaleString('en')),
      ...[PEER, CANDIDATES[0]].map((name) => `${Math.round(median(samples[name].map(({ own }) => own)) * 100)} %`),
    ]),
  );
  const deflated = rows.filter(({ scenario }) => scenario.windowBits);
  if (deflated.length > 0) console.log('\nCompressed by both at level 6 unless it says defaults, with context takeover and no threshold. Agreed:');
  for (const { scenario, agreed } of deflated) {
    for (const name of CANDIDATES) console.log(`  ${scenario.name}, ${name}: ${agreed[name]}`);
  }
}
