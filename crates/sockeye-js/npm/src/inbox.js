// Messages that have come and that nobody has taken, and those who wait for one.

import { CloseError } from './errors.js';
import { MessageSource } from './message-streams.js';

/** About how many bytes a message keeps. */
const weight = (message) => 64 + (message.length ?? 0);

export class Inbox {
  #messages = [];
  /** @type {{ resolve: Function, reject: Function, isForStream: boolean }[]} */
  #waiting = [];
  /** About how many bytes the messages keep. */
  size = 0;

  get isEmpty() {
    return this.#messages.length === 0;
  }

  get isAwaited() {
    return this.#waiting.length > 0;
  }

  /** Takes the next message. There is one. */
  shift() {
    const message = this.#messages.shift();
    this.size -= weight(message);
    return message;
  }

  /** Takes all messages. */
  clear() {
    this.size = 0;
    return this.#messages.splice(0);
  }

  /** Gives messages to those who wait, and keeps the rest; beyond so many bytes it does not. */
  push(messages, most = Infinity) {
    for (const message of messages) {
      if (this.#waiting.length > 0) {
        const { resolve, isForStream } = this.#waiting.shift();
        resolve(isForStream ? message : wholeOf(message));
      } else if (this.size <= most) {
        this.#messages.push(message);
        this.size += weight(message);
      }
    }
  }

  /** The next message, once it is there. An abort leaves it to the next who waits. */
  wait(signal, isForStream) {
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject, isForStream };
      if (signal) {
        const abort = () => {
          this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
          reject(signal.reason);
        };
        const settle = (act) => (value) => {
          signal.removeEventListener('abort', abort);
          act(value);
        };
        signal.addEventListener('abort', abort, { once: true });
        waiter.resolve = settle(resolve);
        waiter.reject = settle(reject);
      }
      this.#waiting.push(waiter);
    });
  }

  /** Tells those who wait that nothing more comes. */
  end(close) {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (close.clean) resolve(null);
      else reject(new CloseError(close));
    }
  }
}

/** A message for somebody who did not ask for a stream. */
export const wholeOf = (message) => (message instanceof MessageSource ? message.whole() : message);
