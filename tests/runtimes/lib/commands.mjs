// Node, Deno and Bun: a program each time.
import { join } from 'node:path';

import { Program } from './process.mjs';
import { target } from './tools.mjs';

const argumentsOf = {
  node: (file) => [file],
  // The suite itself needs no permission, and gets none.
  deno: (file, needsNetwork) => ['run', '--no-prompt', '--no-remote', '--node-modules-dir=manual', ...(needsNetwork ? ['--allow-net', '--allow-env', '--allow-sys'] : []), file],
  bun: (file) => ['run', '--no-install', file],
};

/** What is run in one of them. */
export class Command {
  #kind;
  #program;
  #folder;

  /** `kind` is `node`, `deno` or `bun`. */
  constructor(kind, program, folder) {
    this.#kind = kind;
    this.#program = program;
    this.#folder = folder;
  }

  #start(name, needsNetwork, ...args) {
    const env = { DENO_DIR: join(target, 'deno'), DENO_NO_UPDATE_CHECK: '1', DO_NOT_TRACK: '1', NO_COLOR: '1', NODE_OPTIONS: '' };
    return new Program(this.#program, [...argumentsOf[this.#kind](join(this.#folder, 'programs', name), needsNetwork), ...args], { cwd: this.#folder, env });
  }

  /** Runs a set of tests. Gives each outcome to `take`. */
  async run(options, take) {
    const program = this.#start('run.mjs', options.set !== 'suite', JSON.stringify(options));
    try {
      for (let line; (line = await program.line(SECONDS)) !== null; ) {
        if (!line.startsWith('{')) continue;
        const outcome = JSON.parse(line);
        if (outcome.done) return;
        take(outcome);
      }
      throw new Error(`it ended early, with ${await program.ended}: ${program.errors}`);
    } finally {
      program.kill();
    }
  }

  /** Starts a server. Returns its URL, and what ends it. */
  async serve(name) {
    const program = this.#start(`${name}.mjs`, true);
    try {
      for (let line; (line = await program.line(30)) !== null; ) {
        if (line.startsWith('listening on ')) return { url: line.slice(13), stop: () => program.kill(), program };
      }
      throw new Error(`the server ended early: ${program.errors}`);
    } catch (error) {
      program.kill();
      throw error;
    }
  }

  stop() {}
}

/** The longest that one test may take is less. */
const SECONDS = 150;
