// What is printed about tests, and how many there were.

/** Counts outcomes and prints a line for each. */
export class Report {
  passed = 0;
  failed = 0;
  skipped = 0;
  #runtime;
  #counts;

  constructor(runtime = '', counts = null) {
    this.#runtime = runtime;
    this.#counts = counts ?? this;
  }

  /** The same counts, for another runtime. */
  of(runtime) {
    return new Report(runtime, this.#counts);
  }

  ok(test) {
    this.#counts.passed += 1;
    console.log(`ok ${this.#runtime}: ${test}`);
  }

  notOk(test, reason) {
    this.#counts.failed += 1;
    const words = String(reason?.message ?? reason).split('\n').map((line) => line.trim()).filter(Boolean).join(' | ');
    console.log(`not ok ${this.#runtime}: ${test} (${words})`);
    if (process.env.VERBOSE && reason?.stack) console.log(reason.stack);
  }

  skip(reason) {
    this.#counts.skipped += 1;
    console.log(`skip ${this.#runtime}: ${reason}`);
  }

  /** Takes an outcome as runtimes report it. */
  take({ name, ok, reason }) {
    if (ok) this.ok(name);
    else this.notOk(name, reason);
  }
}
