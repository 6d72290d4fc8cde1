/**
 * What the platform brings.
 *
 * @type {{ connect: ((target: import('./index.js').Target) => Promise<import('./index.js').Stream>) | null }}
 */
export let platform = { connect: null };

/**
 * Says what the platform brings. Called once, by the entry.
 *
 * @param {typeof platform} brought
 */
export function setPlatform(brought) {
  platform = brought;
}
