import type { Histogram } from '../model.js';

/** The colours of the strip, as the theme has them. */
export interface Colours {
  up: string;
  down: string;
  line: string;
  strong: string;
  faint: string;
  violation: string;
  control: string;
}

/** Where things are, in CSS pixels. */
export interface Geometry {
  width: number;
  height: number;
  /** Space at the left for the words. */
  left: number;
  /** Space at the bottom for times. */
  bottom: number;
  /** Width of a bucket, its gap included. */
  bucket: number;
}

/** Space for control frames at the outer edge of each lane. */
const edge = 5;

/** Draws traffic over time: bytes of the client upwards, of the server downwards, from a line in the middle. */
export function draw(context: CanvasRenderingContext2D, histogram: Histogram, at: Geometry, colours: Colours): void {
  const { width, height, left, bottom, bucket } = at;
  const middle = Math.round((height - bottom) / 2);
  const lane = middle - edge - 3;
  context.clearRect(0, 0, width, height);

  context.fillStyle = colours.line;
  context.fillRect(left, middle, width - left, 1);

  let most = 1;
  for (const lanes of [histogram.up, histogram.down]) for (const value of lanes) if (value > most) most = value;
  // By the root, so that small frames beside large ones can be seen.
  const size = (value: number): number => (value > 0 ? Math.max(1.5, Math.sqrt(value / most) * lane) : 0);
  const bar = bucket > 2 ? bucket - 1 : bucket;

  context.fillStyle = colours.up;
  for (let index = 0; index < histogram.buckets; index += 1) {
    const high = size(histogram.up[index] ?? 0);
    if (high > 0) context.fillRect(left + index * bucket, middle - 1 - high, bar, high);
  }
  context.fillStyle = colours.down;
  for (let index = 0; index < histogram.buckets; index += 1) {
    const high = size(histogram.down[index] ?? 0);
    if (high > 0) context.fillRect(left + index * bucket, middle + 2, bar, high);
  }
  context.fillStyle = colours.control;
  for (let index = 0; index < histogram.buckets; index += 1) {
    if ((histogram.controlUp[index] ?? 0) > 0) context.fillRect(left + index * bucket, 0, bar, edge - 1);
    if ((histogram.controlDown[index] ?? 0) > 0) context.fillRect(left + index * bucket, 2 * middle - edge + 2, bar, edge - 1);
  }
  context.fillStyle = colours.violation;
  let last = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < histogram.buckets; index += 1) {
    if ((histogram.findings[index] ?? 0) === 0) continue;
    const x = left + index * bucket + bar / 2;
    // Where there are many, they would only cover each other.
    if (x - last < 5) continue;
    last = x;
    context.beginPath();
    context.moveTo(x, middle - 4);
    context.lineTo(x + 4.5, middle + 0.5);
    context.lineTo(x, middle + 5);
    context.lineTo(x - 4.5, middle + 0.5);
    context.closePath();
    context.fill();
  }
}

/** Draws times below the lanes, at round numbers and at most some ninety pixels apart. */
export function drawAxis(context: CanvasRenderingContext2D, from: number, to: number, at: Geometry, colours: Colours, font: string): void {
  const span = to - from;
  if (!(span > 0)) return;
  const { width, height, left, bottom } = at;
  const step = roundStep(span / Math.max(1, (width - left) / 110));
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  context.font = font;
  context.textBaseline = 'alphabetic';
  context.textAlign = 'left';
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
    const x = Math.round(left + ((time - from) / span) * (width - left));
    context.fillStyle = colours.strong;
    context.fillRect(x, height - bottom, 1, 4);
    context.fillStyle = colours.faint;
    const text = timeLabel(time, step, digits);
    const wide = context.measureText(text).width;
    if (x + 4 + wide <= width) context.fillText(text, x + 4, height - 2);
  }
}

function timeLabel(time: number, step: number, digits: number): string {
  if (step >= 60) {
    const minutes = Math.round(time / 60);
    return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')}`;
  }
  if (step < 0.001) return `${(time * 1e6).toFixed(0)} µs`;
  if (step < 0.1) return `${(time * 1000).toFixed(Math.max(0, digits - 3))} ms`;
  return `${time.toFixed(digits)} s`;
}

function roundStep(least: number): number {
  if (least > 30) {
    const steps = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
    return steps.find((step) => step >= least) ?? Math.ceil(least / 86_400) * 86_400;
  }
  const power = 10 ** Math.floor(Math.log10(least));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= least) return factor * power;
  return 10 * power;
}
