/** Preferences stored on this device, or only until the page is closed if storage is off. */

/** @type {Record<string, unknown>} */
const fallback = {};

/**
 * @template T
 * @param {string} name
 * @param {T} byDefault
 * @returns {T}
 */
export function remembered(name, byDefault) {
  try {
    const text = localStorage.getItem(`player.${name}`);
    return text === null ? byDefault : JSON.parse(text);
  } catch {
    return /** @type {T} */ (fallback[name] ?? byDefault);
  }
}

/**
 * @param {string} name
 * @param {unknown} value null forgets it
 */
export function remember(name, value) {
  fallback[name] = value ?? undefined;
  try {
    if (value === null) localStorage.removeItem(`player.${name}`);
    else localStorage.setItem(`player.${name}`, JSON.stringify(value));
  } catch {
    // Storage is off or full: `fallback` has it until the page is closed.
  }
}
