// Runs groups of tests in any runtime, and what tests say about values. Nothing here knows a host.

/**
 * Runs the tests of these groups, one after the other, and reports an outcome for each.
 *
 * @param {Record<string, Record<string, (context: object) => unknown>>} all
 * @param {{ filter?: string | null, only?: string[] | null, context?: object }} options
 * @param {(outcome: { name: string, ok: boolean, reason?: string }) => unknown} report
 */
export async function run(all, { filter = null, only = null, context = {} }, report) {
  const groups = Object.fromEntries(Object.entries(all).filter(([name]) => !only || only.includes(name)));
  const stray = [];
  const listen = (event) => {
    event.preventDefault?.();
    stray.push(event.reason ?? event);
  };
  globalThis.addEventListener?.('unhandledrejection', listen);
  globalThis.process?.on?.('unhandledRejection', listen);
  for (const [group, tests] of Object.entries(groups)) {
    for (const [sentence, test] of Object.entries(tests)) {
      const name = sentence.startsWith('row_') ? sentence : `${group}: ${sentence}`;
      if (filter && !name.includes(filter)) continue;
      await report(await outcome(name, () => test(context)));
    }
  }
  await sleep(20);
  if (!filter) {
    const name = `${Object.keys(groups).join(', ')}: no promise is left rejected and unheard`;
    await report({ name, ok: stray.length === 0, reason: stray.map(words).join('; ') });
  }
}

async function outcome(name, test) {
  try {
    await within(SECONDS, test());
    return { name, ok: true };
  } catch (error) {
    return { name, ok: false, reason: words(error) };
  }
}

/** A test that takes longer hangs. */
const SECONDS = 40;

/** `value` once it is there, or an error after `seconds`. */
export function within(seconds, value) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([value, late]).finally(() => clearTimeout(timer));
}

/** Lets other things happen for so many milliseconds. */
export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until `condition` holds; an error after ten seconds. */
export async function until(condition, what) {
  for (let at = 0; at < 1000; at += 1) {
    if (condition()) return;
    await sleep(10);
  }
  throw new Error(`it never came to be that ${what}`);
}

/** An error in one line, with its code, and where it came from. */
export function words(error) {
  const code = error?.code === undefined ? '' : ` [${error.code}]`;
  const name = error?.constructor?.name ?? typeof error;
  const place = String(error?.stack ?? '').split('\n').slice(1, 5).map((line) => line.trim()).join(' < ');
  return `${name}${code}: ${error?.message ?? error} ${place}`;
}

/** Fails unless both are the same, byte for byte and field for field. */
export function equal(found, expected, what = 'the value') {
  const difference = differ(found, expected, '');
  if (difference !== null) throw new Error(`${what}${difference}`);
}

function differ(found, expected, path) {
  if (Object.is(found, expected)) return null;
  if (found instanceof Uint8Array && expected instanceof Uint8Array) {
    if (found.length !== expected.length) return `${path} has ${found.length} bytes, not ${expected.length}: ${hex(found)} / ${hex(expected)}`;
    const at = found.findIndex((byte, index) => byte !== expected[index]);
    return at < 0 ? null : `${path} differs at byte ${at}: ${hex(found)}, not ${hex(expected)}`;
  }
  if (isPlain(found) && isPlain(expected) && Array.isArray(found) === Array.isArray(expected)) {
    for (const key of new Set([...Object.keys(found), ...Object.keys(expected)])) {
      const difference = differ(found[key], expected[key], `${path}.${key}`);
      if (difference !== null) return difference;
    }
    return null;
  }
  return `${path} is ${show(found)}, not ${show(expected)}`;
}

const isPlain = (value) => typeof value === 'object' && value !== null && !(value instanceof Uint8Array);

const show = (value) => {
  if (value instanceof Uint8Array) return `bytes ${hex(value)}`;
  if (value instanceof Error) return words(value);
  const text = typeof value === 'string' ? JSON.stringify(value) : String(typeof value === 'object' ? JSON.stringify(value) : value);
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length})` : text;
};

/** Fails unless `condition` holds. */
export function ensure(condition, what) {
  if (!condition) throw new Error(`it is not so that ${what}`);
}

/** What `call` throws, or what it rejects with: an error of `type` with this code. */
export async function fails(type, code, call, what = 'the call') {
  let error;
  try {
    const value = await call();
    throw Object.assign(new Error(`${what} ended well, with ${show(value)}, where ${type.name} ${code} was due`), { isVerdict: true });
  } catch (caught) {
    error = caught;
  }
  if (error?.isVerdict) throw error;
  if (!(error instanceof type) || (code !== null && error.code !== code)) {
    throw new Error(`${what} failed otherwise than with ${type.name} ${code}: ${words(error)}`);
  }
  return error;
}

/** The same for what throws at once. */
export function throws(type, code, call, what = 'the call') {
  let error;
  try {
    call();
  } catch (caught) {
    error = caught;
  }
  if (error === undefined) throw new Error(`${what} threw nothing, where ${type.name} ${code} was due`);
  if (!(error instanceof type) || (code !== null && error.code !== code)) {
    throw new Error(`${what} threw otherwise than with ${type.name} ${code}: ${words(error)}`);
  }
  return error;
}

/** Bytes from hexadecimal digits; spaces do not count. */
export const bytes = (digits) => Uint8Array.from(digits.replace(/[^0-9a-f]/gi, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** Hexadecimal digits of at most 40 bytes. */
export const hex = (data) => {
  const digits = [...data.subarray(0, 40)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return data.length > 40 ? `${digits}… (${data.length} bytes)` : digits;
};

/** Text as UTF-8, and back. */
export const utf8 = (text) => new TextEncoder().encode(text);
export const text = (data) => new TextDecoder('utf-8', { fatal: true }).decode(data);
/** Bytes as one character each. */
export const latin1 = (data) => Array.from(data, (byte) => String.fromCharCode(byte)).join('');

/** All of these, one behind the other. */
export function concat(...pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** So many bytes that do not compress, always the same. */
export function noise(length, seed = 1) {
  const data = new Uint8Array(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[at] = state >>> 24;
  }
  return data;
}

/** So many characters that compress well, always the same. */
export const prose = (length) => 'the quick brown fox jumps over the lazy dog; '.repeat(Math.ceil(length / 45)).slice(0, length);
