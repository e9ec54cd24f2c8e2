/**
 * Which of the three renditions to play.
 *
 * @import { Quality } from '../api/types.js'
 * @typedef {Quality | 'auto'} QualityChoice
 */

export const KILOBITS = Object.freeze({ low: 64, medium: 128, high: 320 });

/** A rendition is played when the connection is this many times as fast. */
const HEADROOM = 2.5;
/** Smaller responses say more about latency than about speed. */
const SMALLEST_SAMPLE_BYTES = 20_000;
const SAMPLES = 5;

/** Chooses by the connection's speed; steps down after buffering. */
export class QualityChooser {
  constructor() {
    this.stalls = 0;
  }

  /** @param {QualityChoice} choice @returns {Quality} */
  pick(choice) {
    return choice === 'auto' ? suitable(speedKilobits(), this.stalls) : choice;
  }

  /** Playback stopped to buffer. */
  stalled() {
    this.stalls = Math.min(2, this.stalls + 1);
  }

  /** A song played through: one step up again. */
  recovered() {
    this.stalls = Math.max(0, this.stalls - 1);
  }
}

/**
 * @param {number | null} kilobits speed of the connection in kbit/s, null when unknown
 * @param {number} stalls steps down from what the speed allows
 * @returns {Quality}
 */
export function suitable(kilobits, stalls) {
  /** @type {Quality[]} */
  const best = ['high', 'medium', 'low'];
  let index = kilobits === null ? 1 : best.findIndex((each) => kilobits >= KILOBITS[each] * HEADROOM);
  if (index < 0) index = 2;
  return /** @type {Quality} */ (best[Math.min(2, index + stalls)]);
}

/** The speed of the last larger downloads as measured, else the browser's estimate of the network. */
export function speedKilobits() {
  const connection = /** @type {{ connection?: { downlink?: number, saveData?: boolean } }} */ (
    /** @type {unknown} */ (navigator)
  ).connection;
  if (connection?.saveData) return KILOBITS.low * HEADROOM;
  const entries = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByType('resource'));
  const speeds = entries
    .filter((entry) => entry.transferSize >= SMALLEST_SAMPLE_BYTES && entry.responseEnd > entry.responseStart)
    .slice(-SAMPLES)
    .map((entry) => (entry.transferSize * 8) / (entry.responseEnd - entry.responseStart))
    .sort((a, b) => a - b);
  if (speeds.length > 0) return /** @type {number} */ (speeds[Math.floor(speeds.length / 2)]);
  return connection?.downlink ? connection.downlink * 1000 : null;
}
