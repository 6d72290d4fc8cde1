// Tables for people.

/** The middle one. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A ratio. */
export const times = (ratio) => `${ratio.toFixed(2)}×`;

/** Text that stands out, on a terminal. */
export const bold = (text) => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text);

/** Bytes as a person reads them. */
export const bytes = (count) => (Math.abs(count) < 1_048_576 ? `${(count / 1024).toFixed(1)} KiB` : `${(count / 1_048_576).toFixed(1)} MiB`);

/** Prints a table, its first column to the left and the others to the right. */
export function print(title, head, rows) {
  const lines = [head, ...rows];
  const width = (text) => text.replaceAll(/\x1b\[\d+m/g, '').length;
  const widths = head.map((_, column) => Math.max(...lines.map((line) => width(line[column]))));
  console.log(`\n${title}\n`);
  for (const line of lines) {
    const cells = line.map((text, column) => {
      const room = ' '.repeat(widths[column] - width(text));
      return column === 0 ? text + room : room + text;
    });
    console.log(`  ${cells.join('  ')}`.trimEnd());
  }
}
