/**
 * The REST API as functions, one for each call that this player makes. It depends on nothing but `fetch`: copy the
 * folder `api/` into a front end of your own.
 *
 *     const api = new MusicApi({ baseUrl: 'http://localhost:3000', getToken: async () => token });
 *     const { items, next } = await api.songs.list({ limit: 20, genre: 'Jazz' });
 */

import { AlbumsApi } from './albums.js';
import { SongsApi } from './songs.js';
import { Transport } from './transport.js';
import { AdminApi, UsersApi } from './users.js';

/**
 * @import { TransportSettings } from './transport.js'
 * @import { Health, SearchResult } from './types.js'
 */

export class MusicApi {
  /** @param {TransportSettings} settings */
  constructor(settings) {
    this.transport = new Transport(settings);
    this.songs = new SongsApi(this.transport);
    this.albums = new AlbumsApi(this.transport);
    this.users = new UsersApi(this.transport);
    this.admin = new AdminApi(this.transport);
  }

  /**
   * Songs, albums and artists at once.
   * @param {string} q
   * @param {number} [limit]
   * @param {AbortSignal} [signal]
   * @returns {Promise<SearchResult>}
   */
  search(q, limit = 8, signal) {
    return this.transport.json('GET', '/api/search', {
      query: { q, types: 'songs,albums,artists', limit },
      signal,
    });
  }

  /**
   * Health of gateway and services; with an unhealthy service the same body has status 503.
   * @returns {Promise<Health>}
   */
  async health() {
    const reply = await this.transport.attempt('GET', '/health/services', { silent: true }, null);
    return JSON.parse(reply.body);
  }
}
