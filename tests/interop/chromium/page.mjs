// Runs the groups that the query names, `[[group, url, deflate], …]`, and tells the server of this page how it went.
import { ended, equal, run } from '../whatwg.mjs';

const more = {
  /** A page that is left closes with 1001. */
  async navigation(peer) {
    const id = crypto.randomUUID();
    const frame = document.createElement('iframe');
    document.body.append(frame);
    const socket = new frame.contentWindow.WebSocket(`${peer.url}/echo?id=${id}`);
    await new Promise((resolve) => (socket.onopen = resolve));
    frame.src = 'elsewhere.html';
    const { code, reason, clean, initiator } = await ended(peer, id);
    equal({ code, reason, clean, initiator }, { code: 1001, reason: '', clean: true, initiator: 'peer' }, 'the server');
  },
};

let verdict = 'ok';
try {
  const runs = JSON.parse(new URLSearchParams(location.search).get('runs'));
  for (const [group, url, deflate] of runs) {
    try {
      await run(group, { WebSocket, url, deflate }, more);
    } catch (error) {
      throw new Error(`${group} at ${url}, deflate ${deflate}: ${error?.message ?? error}`);
    }
  }
} catch (error) {
  verdict = `${error?.message ?? error}`;
}
// A fragment would not be sent.
await fetch(`/verdict?${encodeURI(verdict.replaceAll('#', ' '))}`);
