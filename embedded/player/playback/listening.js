/**
 * Measures how much of a song was played, and when to report it: `play` after three seconds,
 * `complete` after 80 % of the song, `skip` when the listener moves on before half of it. Silence while paused or
 * buffering and what a seek jumps over do not count. It knows no audio element: pass it positions and the time.
 *
 * @import { Interaction } from '../api/types.js'
 */

export const PLAY_AFTER_SECONDS = 3;
export const COMPLETE_AFTER_SHARE = 0.8;
export const SKIP_BEFORE_SHARE = 0.5;

/** A position that advanced this much faster than the clock was a seek. */
const LEEWAY_SECONDS = 0.35;

export class ListeningMeter {
  /**
   * @param {number} durationSeconds
   * @param {(interaction: Interaction) => void} report
   */
  constructor(durationSeconds, report) {
    this.durationSeconds = durationSeconds;
    this.report = report;
    this.listenedSeconds = 0;
    /** @type {Set<Interaction>} */
    this.reported = new Set();
    /** @type {{ position: number, at: number } | null} */
    this.last = null;
  }

  /**
   * The sound is at `position`; called several times a second while it plays.
   * @param {number} position seconds
   * @param {number} at seconds of a clock that only goes forward
   */
  advance(position, at) {
    if (this.last) {
      const moved = position - this.last.position;
      const passed = at - this.last.at;
      if (moved > 0 && moved <= passed + LEEWAY_SECONDS) this.listenedSeconds += Math.min(moved, passed);
    }
    this.last = { position, at };
    if (this.listenedSeconds >= Math.min(PLAY_AFTER_SECONDS, this.durationSeconds * COMPLETE_AFTER_SHARE)) {
      this.once('play');
    }
    if (this.listenedSeconds >= this.durationSeconds * COMPLETE_AFTER_SHARE) this.once('complete');
  }

  /** Playback was interrupted by a pause, a seek or buffering. */
  interrupt() {
    this.last = null;
  }

  /** The listener chose another song. */
  leave() {
    const wasBegun = this.listenedSeconds > 0;
    const isEarly = this.listenedSeconds < this.durationSeconds * SKIP_BEFORE_SHARE;
    if (wasBegun && isEarly) this.once('skip');
    this.interrupt();
  }

  /** @param {Interaction} interaction */
  once(interaction) {
    if (this.reported.has(interaction)) return;
    this.reported.add(interaction);
    this.report(interaction);
  }
}
