/** A range of times in seconds since the first packet; `null`: open on that side. */
export interface TimeRange {
  from: number | null;
  to: number | null;
}

const term = /^t(>=?|<=?)(\d+(?:\.\d+)?)(us|µs|ms|s|m|h)?$/;

const units: Record<string, number> = { us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** The time range that the terms `t>…` and `t<…` of a filter give, however they stand among its other terms. */
export function timeRange(filter: string): TimeRange {
  const range: TimeRange = { from: null, to: null };
  for (const word of split(filter)) {
    const parts = term.exec(word);
    if (!parts) continue;
    const seconds = Number(parts[2]) * (units[parts[3] ?? 's'] ?? 1);
    if (parts[1]?.startsWith('>')) range.from = seconds;
    else range.to = seconds;
  }
  return range;
}

/** The filter with another time range, or none. `step` is the precision that matters, in seconds. */
export function withTimeRange(filter: string, range: TimeRange, step: number): string {
  let rest = split(filter)
    .filter((word) => !term.test(word))
    .join(' ');
  const terms: string[] = [];
  const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step))));
  const write = (seconds: number): string => `${Number(seconds.toFixed(digits))}s`;
  if (range.from !== null) terms.push(`t>${write(range.from)}`);
  if (range.to !== null) terms.push(`t<${write(range.to)}`);
  if (terms.length > 0 && split(rest).includes('or') && !isGrouped(rest)) rest = `(${rest})`;
  return [rest, ...terms].filter((part) => part !== '').join(' ');
}

/** Cuts a filter at its white space, but not within quotes, regular expressions and parentheses. */
function split(filter: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  let depth = 0;
  let escaped = false;
  for (const character of filter) {
    if (quote) {
      if (!escaped && character === quote) quote = '';
      escaped = !escaped && character === '\\';
      word += character;
      continue;
    }
    if (character === '"' || (character === '/' && word.endsWith(':'))) quote = character;
    else if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    if (depth <= 0 && /\s/.test(character)) {
      if (word !== '') words.push(word);
      word = '';
    } else word += character;
  }
  if (word !== '') words.push(word);
  return words;
}

function isGrouped(filter: string): boolean {
  return split(filter).length === 1 && filter.startsWith('(');
}
