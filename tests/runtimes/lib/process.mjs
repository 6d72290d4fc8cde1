// Programs that are run, read line by line, and ended in any case.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const running = new Set();

/** Ends every program that was started and still runs. */
export function endAll() {
  for (const program of running) program.kill();
}

process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

/** A program with lines as output. */
export class Program {
  #child;
  #errors = [];
  #lines = [];
  #waiting = [];
  #end;

  /** Starts `command` with `args`. With `control`, a third pipe's lines are read instead of the output's. */
  constructor(command, args, { cwd, env = {}, control = false } = {}) {
    const stdio = control ? ['ignore', 'pipe', 'pipe', 'pipe'] : ['pipe', 'pipe', 'pipe'];
    // A group of its own, so that what it starts ends with it.
    this.#child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio, detached: true });
    running.add(this);
    const remember = (line) => {
      this.#errors.push(line);
      if (this.#errors.length > 40) this.#errors.shift();
    };
    const source = control ? this.#child.stdio[3] : this.#child.stdout;
    for (const pipe of [this.#child.stderr, ...(control ? [this.#child.stdout] : [])]) {
      createInterface({ input: pipe }).on('line', remember);
    }
    createInterface({ input: source }).on('line', (line) => this.#push(line));
    this.#child.stdin?.on('error', () => {});
    this.#end = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        remember(String(error));
        resolve(String(error));
      });
      this.#child.on('close', (code, signal) => resolve(code ?? signal));
    }).then((end) => {
      running.delete(this);
      this.#push(null);
      return end;
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** The last lines that it wrote about itself. */
  get errors() {
    return this.#errors.join('\n');
  }

  /** Resolves to its exit status, or the signal that ended it. */
  get ended() {
    return this.#end;
  }

  /** The next line, or `null` at its end. Rejects after `seconds`. */
  async line(seconds) {
    if (this.#lines.length > 0) return this.#lines[0] === null ? null : this.#lines.shift();
    return within(seconds, 'a line of output', new Promise((resolve) => this.#waiting.push(resolve))).catch((error) => {
      throw new Error(`${error.message}; it wrote: ${this.errors}`);
    });
  }

  write(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  kill() {
    if (!running.delete(this)) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      this.#child.kill('SIGKILL');
    }
  }

  #push(line) {
    const waiter = this.#waiting.shift();
    if (waiter) waiter(line);
    if (!waiter || line === null) this.#lines.push(line);
  }
}

/** `promise`, or an error after `seconds`. */
export function within(seconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs a program to its end and returns its output. Rejects when it fails, or takes longer than `seconds`. */
export async function output(command, args, { seconds = 120, ...options } = {}) {
  const program = new Program(command, args, options);
  const lines = [];
  try {
    for (let line; (line = await program.line(seconds)) !== null; ) lines.push(line);
    const end = await program.ended;
    if (end !== 0) throw new Error(`${command} ${args[0] ?? ''} ended with ${end}: ${program.errors || lines.slice(-5).join('\n')}`);
  } finally {
    program.kill();
  }
  return lines.join('\n');
}
