/**
 * @import { Song } from '../api/types.js'
 * @typedef {'off' | 'all' | 'one'} Repeat
 */

/** The songs to play and which of them is playing. Plain data: callers notify observers after a change. */
export class Queue {
  constructor() {
    /** @type {Song[]} */
    this.songs = [];
    this.index = -1;
    /** @type {Repeat} */
    this.repeat = 'off';
  }

  /** @returns {Song | null} */
  get current() {
    return this.songs[this.index] ?? null;
  }

  /** The song that follows by itself, null at the end. @returns {number | null} */
  get following() {
    if (this.repeat === 'one') return this.index;
    if (this.index + 1 < this.songs.length) return this.index + 1;
    return this.repeat === 'all' && this.songs.length > 0 ? 0 : null;
  }

  /** @param {Song[]} songs @param {number} index */
  replace(songs, index) {
    this.songs = [...songs];
    this.index = index;
  }

  /** @param {Song[]} songs @param {boolean} next after the current song, else at the end */
  insert(songs, next) {
    this.songs.splice(next ? this.index + 1 : this.songs.length, 0, ...songs);
    if (this.index < 0) this.index = 0;
  }

  /** @param {number} index never that of the current song */
  remove(index) {
    this.songs.splice(index, 1);
    if (index < this.index) this.index -= 1;
  }

  /** @param {number} from @param {number} to */
  move(from, to) {
    const [song] = this.songs.splice(from, 1);
    if (song) this.songs.splice(to, 0, song);
    // The same song may be in the queue twice: follow the position, not the song.
    if (from === this.index) this.index = to;
    else if (from < this.index && to >= this.index) this.index -= 1;
    else if (from > this.index && to <= this.index) this.index += 1;
  }

  /** Shuffles what is still to come. */
  shuffle() {
    const coming = this.songs.splice(this.index + 1);
    for (let last = coming.length - 1; last > 0; last -= 1) {
      const other = Math.floor(Math.random() * (last + 1));
      [coming[last], coming[other]] = [/** @type {Song} */ (coming[other]), /** @type {Song} */ (coming[last])];
    }
    this.songs.push(...coming);
  }
}
