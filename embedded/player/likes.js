/** The songs that the caller likes: requested once per song, shown everywhere, updated at once. */

import { Observable } from './observable.js';

/**
 * @import { MusicApi } from './api/client.js'
 * @import { Song } from './api/types.js'
 * @import { Session } from './session.js'
 */

const AT_ONCE = 500;

export class Likes {
  /** @param {MusicApi} api @param {Session} session */
  constructor(api, session) {
    this.api = api;
    this.session = session;
    /** @type {Observable<Set<string>>} ids of liked songs, as far as known */
    this.ids = new Observable(/** @type {Set<string>} */ (new Set()));
    /** @type {Set<string>} */
    this.known = new Set();
    /** @type {Set<string>} */
    this.wanted = new Set();
    session.user.watch(() => {
      this.known.clear();
      this.ids.set(new Set());
    });
  }

  /** Learns of songs that are shown; those of one moment together. @param {string} id */
  learn(id) {
    if (!this.session.isSignedIn || this.session.user.value?.isBlocked || this.known.has(id)) return;
    if (this.wanted.size === 0) setTimeout(() => void this.ask());
    this.wanted.add(id);
    this.known.add(id);
  }

  async ask() {
    const ids = [...this.wanted].slice(0, AT_ONCE);
    for (const id of ids) this.wanted.delete(id);
    if (this.wanted.size > 0) setTimeout(() => void this.ask());
    try {
      const liked = await this.api.songs.likedAmong(ids);
      this.ids.set(new Set([...this.ids.value, ...liked]));
    } catch {
      // Hearts stay empty; the songs are requested again when they are shown the next time.
      for (const id of ids) this.known.delete(id);
    }
  }

  /** Shown at once, and reverted when the server refuses. Throws ApiError. @param {Song} song */
  async toggle(song) {
    const isLiked = this.ids.value.has(song._id);
    this.mark(song._id, !isLiked);
    try {
      await (isLiked ? this.api.songs.unlike(song._id) : this.api.songs.like(song._id));
    } catch (error) {
      this.mark(song._id, isLiked);
      throw error;
    }
  }

  /** @param {string} id @param {boolean} isLiked */
  mark(id, isLiked) {
    const ids = new Set(this.ids.value);
    if (isLiked) ids.add(id);
    else ids.delete(id);
    this.known.add(id);
    this.ids.set(ids);
  }
}
