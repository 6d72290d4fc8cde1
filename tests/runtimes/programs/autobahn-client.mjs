// node autobahn-client.mjs URL AGENT: runs every case of the Autobahn suite's server at this URL, under this name.
import { CloseError, Dialer } from 'sockeye';

import { echo } from './autobahn-echo.mjs';

const [address, agent] = process.argv.slice(2);
const url = address.replace(/\/$/, '');
// The largest messages of the suite have 16 MiB.
const dialer = new Dialer({ deflate: true, limits: { messageSize: 32 << 20, frameSize: 32 << 20 } });
/** The suite itself gives up on a case after two minutes. */
const CASE_TIMEOUT = 150_000;

const counting = await dialer.dial(`${url}/getCaseCount`);
const count = Number(await counting.receive());
await counting.closed;
let failed = 0;
for (let number = 1; number <= count; number += 1) {
  let conn;
  let timer;
  try {
    conn = await dialer.dial(`${url}/runCase?case=${number}&agent=${agent}`, { signal: AbortSignal.timeout(CASE_TIMEOUT) });
    timer = setTimeout(() => conn.abort(), CASE_TIMEOUT);
    await echo(conn);
  } catch (error) {
    // A peer that breaks the rules is what the suite is made of.
    if (!(error instanceof CloseError)) {
      failed += 1;
      console.error(`case ${number}:`, error);
    }
  } finally {
    await conn?.closed;
    clearTimeout(timer);
  }
}
const updating = await dialer.dial(`${url}/updateReports?agent=${agent}`);
await updating.closed;
console.log(`${count} cases run`);
process.exit(failed > 0 ? 1 : 0);
