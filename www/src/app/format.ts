const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** A number with its digits in groups: `1,234,567`. */
export function count(value: number): string {
  return grouped.format(value);
}

/** A number and its noun: `1 frame`, `2,000 frames`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Bytes for reading: `812 B`, `1.4 kB`, `23.5 MB` (powers of ten). */
export function bytes(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value < 1000) return `${value} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let scaled = value / 1000;
  let unit = 0;
  while (scaled >= 999.95 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${scaled < 99.95 ? scaled.toFixed(1) : Math.round(scaled)} ${units[unit]}`;
}

/** Seconds for reading: `3.2 µs`, `12.4 ms`, `1.250 s`, `4 min 05 s`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const size = Math.abs(seconds);
  if (size === 0) return '0 s';
  if (size < 1e-3) return `${(seconds * 1e6).toFixed(size < 1e-4 ? 1 : 0)} µs`;
  if (size < 1) return `${(seconds * 1e3).toFixed(size < 0.1 ? 2 : 1)} ms`;
  if (size < 60) return `${seconds.toFixed(3)} s`;
  if (size < 3600) return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')} min`;
}

/** Seconds since the first packet with microseconds, for columns: `1.250113`. */
export function offset(seconds: number): string {
  return Number.isFinite(seconds) ? seconds.toFixed(6) : '–';
}

/** Time of day in the user's zone with microseconds, from epoch milliseconds and seconds after it: `14:03:27.250113`. */
export function clock(start: number, seconds: number): string {
  const at = start + seconds * 1000;
  if (!Number.isFinite(at)) return '–';
  const date = new Date(at);
  const micros = Math.floor((at - Math.floor(at)) * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return (
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.` +
    `${String(date.getMilliseconds()).padStart(3, '0')}${String(micros).padStart(3, '0')}`
  );
}

/** Part of a whole in per cent: `42 %`. */
export function percent(part: number): string {
  if (!Number.isFinite(part)) return '–';
  const value = part * 100;
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} %`;
}

/** `c2s` and `s2c` in words. */
export function from(direction: 'c2s' | 's2c'): string {
  return direction === 'c2s' ? 'client' : 'server';
}

/** A text as a sentence: with a capital letter and a full stop. */
export function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
