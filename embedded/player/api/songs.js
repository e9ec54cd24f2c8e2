import { page } from './paging.js';

/**
 * @import { Transport } from './transport.js'
 * @import { GenreCount, HistoryEntry, Interaction, Page, Song, Statistics } from './types.js'
 */

/**
 * @typedef {object} SongFilters
 * @property {string} [q]
 * @property {string} [genre]
 * @property {string} [mood]
 * @property {string} [artistId]
 * @property {string} [albumId]
 * @property {string} [sort] such as "-createdAt", "title"
 * @property {number} [limit] 1 to 100
 * @property {string | null} [cursor]
 * @property {boolean} [total]
 */

export class SongsApi {
  /** @param {Transport} transport */
  constructor(transport) {
    this.transport = transport;
  }

  /**
   * @param {SongFilters} [filters]
   * @param {AbortSignal} [signal]
   * @returns {Promise<Page<Song>>}
   */
  list(filters = {}, signal) {
    return page(this.transport, '/api/songs', { limit: 24, ...filters }, signal);
  }

  /** @param {string} id @returns {Promise<Song>} */
  get(id) {
    return this.transport.json('GET', `/api/songs/${id}`);
  }

  /** @returns {Promise<GenreCount[]>} */
  genres() {
    return this.transport.json('GET', '/api/songs/genres');
  }

  /** @param {number} [count] @returns {Promise<Song[]>} */
  trending(count = 20) {
    return this.transport.json('GET', '/api/songs/trending', { query: { count } });
  }

  /** @param {string} id @param {number} [count] @returns {Promise<Song[]>} */
  similar(id, count = 10) {
    return this.transport.json('GET', `/api/songs/${id}/similar`, { query: { count } });
  }

  /** @param {number} [count] @returns {Promise<Song[]>} */
  forYou(count = 12) {
    return this.transport.json('GET', '/api/songs/recommendations/for-you', { query: { count } });
  }

  /**
   * Reports what was listened to. The key makes a repeat of the same report count once.
   * @param {string} id
   * @param {Interaction} interaction
   * @param {string} idempotencyKey
   * @returns {Promise<void>}
   */
  track(id, interaction, idempotencyKey) {
    return this.transport.json('POST', `/api/songs/${id}/track/${interaction}`, {
      idempotencyKey,
      keepalive: true,
    });
  }

  /** @param {string} id @returns {Promise<void>} */
  like(id) {
    return this.transport.json('PUT', `/api/songs/${id}/like`);
  }

  /** @param {string} id @returns {Promise<void>} */
  unlike(id) {
    return this.transport.json('DELETE', `/api/songs/${id}/like`);
  }

  /** @param {string | null} [cursor] @returns {Promise<Page<Song>>} */
  liked(cursor) {
    return page(this.transport, '/api/songs/liked', { limit: 50, cursor });
  }

  /**
   * The ones among these songs that the caller likes.
   * @param {string[]} ids at most 500
   * @returns {Promise<string[]>}
   */
  async likedAmong(ids) {
    return (await this.transport.json('POST', '/api/songs/liked/check', { json: { ids } })).ids;
  }

  /** @param {string | null} [cursor] @returns {Promise<Page<HistoryEntry>>} */
  history(cursor) {
    return page(this.transport, '/api/songs/history', { limit: 50, cursor });
  }

  /** @returns {Promise<void>} */
  clearHistory() {
    return this.transport.json('DELETE', '/api/songs/history');
  }

  /** The artist's own songs, in any state. @returns {Promise<Song[]>} */
  mine() {
    return this.transport.json('GET', '/api/songs/artist/my-songs');
  }

  /** @param {number} days 1 to 365 @returns {Promise<Statistics>} */
  statistics(days) {
    return this.transport.json('GET', '/api/songs/artist/stats', { query: { days } });
  }

  /**
   * @param {FormData} form title, image, audio, and what else a song may have
   * @param {{ onProgress?: (share: number) => void, signal?: AbortSignal }} [options]
   * @returns {Promise<Song>}
   */
  upload(form, { onProgress, signal } = {}) {
    return this.transport.json('POST', '/api/songs', { form, signal, onProgress: onProgress ?? (() => {}) });
  }

  /** @param {string} id @param {Partial<Song>} changes @returns {Promise<Song>} */
  update(id, changes) {
    return this.transport.json('PATCH', `/api/songs/${id}`, { json: changes });
  }

  /** @param {string} id @param {boolean} isPublic @returns {Promise<Song>} */
  setPublic(id, isPublic) {
    return this.transport.json('PATCH', `/api/songs/${id}/visibility`, { json: { isPublic } });
  }

  /** @param {string} id @returns {Promise<void>} */
  remove(id) {
    return this.transport.json('DELETE', `/api/songs/${id}`);
  }
}
