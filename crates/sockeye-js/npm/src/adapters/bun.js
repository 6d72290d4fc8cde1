// Bun's `node:net` is a thin layer over `Bun.connect`, with backpressure that `Bun.connect` leaves to its callers.
export { connect } from './node.js';
