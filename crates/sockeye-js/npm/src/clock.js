// The time of a connection, and its alarm.

import { now } from './core.js';

/** The longest time that timers know. */
const LONGEST = 2 ** 31 - 1;

/** A clock that stands still while reading is paused: a peer that is not heard is not late. */
export class Clock {
  /** How long it has stood still in all. */
  #away = 0;
  /** Since when it does. */
  #since = null;

  now() {
    return (this.#since ?? now()) - this.#away;
  }

  stop() {
    this.#since ??= now();
  }

  go() {
    if (this.#since === null) return;
    this.#away += now() - this.#since;
    this.#since = null;
  }
}

/** One timer, which keeps no process alive. */
export class Alarm {
  #timer;
  #ring;
  /** When it rings, on the connection's clock. */
  at = Infinity;

  constructor(ring) {
    this.#ring = ring;
  }

  set(at, clock) {
    clearTimeout(this.#timer);
    this.at = at;
    this.#timer = setTimeout(
      () => {
        this.at = Infinity;
        this.#ring();
      },
      Math.min(LONGEST, Math.max(0, at - clock.now()) + 1),
    );
    this.#timer.unref?.();
  }

  /** Rings once what has come meanwhile has been dealt with. */
  soon(act) {
    clearTimeout(this.#timer);
    // Until then it is not set to anything else.
    this.at = -Infinity;
    this.#timer = setTimeout(() => {
      this.at = Infinity;
      act();
    }, 0);
    this.#timer.unref?.();
  }

  clear() {
    clearTimeout(this.#timer);
  }
}
