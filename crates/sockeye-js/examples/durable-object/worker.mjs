// A chat: each path is a room of its own, and each room a Durable Object.

import { DurableObject } from 'cloudflare:workers';
import { isWebSocketUpgrade, upgradeToPair } from 'sockeye';

import page from './page.html';

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (!isWebSocketUpgrade(request)) return new Response(page, { headers: { 'Content-Type': 'text/html; charset=utf-8' } });
    return env.ROOMS.get(env.ROOMS.idFromName(pathname)).fetch(request);
  },
};

/** Members of a room. */
const MEMBERS = 100;
/** Characters of a name, and of what is said. */
const NAME = 32;
const TEXT = 2000;
/** Bytes that may wait for one member; who falls farther behind is let go. */
const BEHIND = 1 << 20;

export class Room extends DurableObject {
  /** Who is there: names by connection. */
  #members = new Map();

  async fetch(request) {
    const name = (new URL(request.url).searchParams.get('name') ?? '').trim();
    const taken = [...this.#members.values()].includes(name);
    if (name === '' || name.length > NAME) return new Response('Come with a name, as in ?name=Ada.\n', { status: 400 });
    if (taken || this.#members.size >= MEMBERS) return new Response(taken ? 'This name is taken.\n' : 'The room is full.\n', { status: 409 });
    const { response, conn } = upgradeToPair(request);
    conn.then((member) => this.#serve(member, name)).catch((error) => console.error(error.message));
    return response;
  }

  async #serve(conn, name) {
    this.#members.set(conn, name);
    this.#tell({ type: 'joined', name, members: [...this.#members.values()] });
    try {
      for await (const message of conn) {
        if (typeof message !== 'string' || message.length > TEXT) await conn.close(4000, 'text of at most 2000 characters, please');
        else this.#tell({ type: 'said', name, text: message });
      }
    } finally {
      this.#members.delete(conn);
      this.#tell({ type: 'left', name, members: [...this.#members.values()] });
    }
  }

  #tell(event) {
    for (const conn of this.#members.keys()) {
      if (conn.state !== 'open') continue;
      if (conn.bufferedAmount > BEHIND) conn.abort();
      // Nobody waits for the slowest; what cannot be sent, `receive` tells.
      else conn.sendJson(event).catch(() => {});
    }
  }
}
