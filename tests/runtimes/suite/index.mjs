// The tests that need no host: the same in every runtime.
import './probe.mjs';

import bridges from './bridges.mjs';
import deflate from './deflate.mjs';
import engine from './engine.mjs';
import frames from './frames.mjs';
import handshake from './handshake.mjs';
import liveness from './liveness.mjs';
import memory from './memory.mjs';
import misuse from './misuse.mjs';
import ending from './rows-ending.mjs';
import messages from './rows-messages.mjs';
import opening from './rows-opening.mjs';

/** Groups of tests by name. */
export const groups = { engine, handshake, deflate, frames, misuse, opening, messages, ending, bridges, liveness, memory };
