import { page } from './paging.js';

/**
 * @import { Transport } from './transport.js'
 * @import { Album, AlbumWithSongs, Page, ShareLink, Versioned } from './types.js'
 */

/**
 * Albums of artists and playlists of listeners. Changes carry the version that they were made from. After a concurrent
 * change they fail with status 412, and the album has to be read again.
 */
export class AlbumsApi {
  /** @param {Transport} transport */
  constructor(transport) {
    this.transport = transport;
  }

  /**
   * @param {{ q?: string, creatorId?: string, sort?: string, limit?: number, cursor?: string | null }} [filters]
   * @returns {Promise<Page<Album>>}
   */
  list(filters = {}) {
    return page(this.transport, '/api/albums', { limit: 24, ...filters });
  }

  /** @param {string} id @returns {Promise<Versioned<AlbumWithSongs>>} */
  async get(id) {
    const { body, headers } = await this.transport.send('GET', `/api/albums/${id}`);
    return { value: JSON.parse(body), etag: headers.get('ETag') };
  }

  /** @param {string} token @returns {Promise<AlbumWithSongs>} */
  shared(token) {
    return this.transport.json('GET', `/api/albums/shared/${encodeURIComponent(token)}`);
  }

  /** The caller's own, in any state. @returns {Promise<Album[]>} */
  mine() {
    return this.transport.json('GET', '/api/albums/user/my-albums');
  }

  /** Albums of others in which the caller collaborates. @returns {Promise<Album[]>} */
  collaborations() {
    return this.transport.json('GET', '/api/albums/user/collaborations');
  }

  /** @param {FormData} form title, image, isPublic @returns {Promise<Album>} */
  create(form) {
    return this.transport.json('POST', '/api/albums', { form });
  }

  /** @param {string} id @param {{ title?: string, isPublic?: boolean }} changes @returns {Promise<Album>} */
  update(id, changes) {
    return this.transport.json('PATCH', `/api/albums/${id}`, { json: changes });
  }

  /** @param {string} id @param {boolean} isPublic @returns {Promise<Album>} */
  setPublic(id, isPublic) {
    return this.transport.json('PATCH', `/api/albums/${id}/visibility`, { json: { isPublic } });
  }

  /** @param {string} id @returns {Promise<void>} */
  remove(id) {
    return this.transport.json('DELETE', `/api/albums/${id}`);
  }

  /** @param {string} id @param {string} songId @param {number} [position] 0 is first @returns {Promise<Album>} */
  addSong(id, songId, position) {
    return this.transport.json('POST', `/api/albums/${id}/songs`, { json: { songId, position } });
  }

  /** @param {string} id @param {string} songId @returns {Promise<Album>} */
  removeSong(id, songId) {
    return this.transport.json('DELETE', `/api/albums/${id}/songs/${songId}`);
  }

  /**
   * @param {string} id
   * @param {string[]} songIds the same songs in their new order
   * @param {string | null} ifMatch
   * @returns {Promise<string | null>} the new ETag
   */
  async reorder(id, songIds, ifMatch) {
    const { headers } = await this.transport.send('PUT', `/api/albums/${id}/songs`, { json: { songIds }, ifMatch });
    return headers.get('ETag');
  }

  /** @param {string} id @param {string} userId @returns {Promise<void>} */
  addCollaborator(id, userId) {
    return this.transport.json('PUT', `/api/albums/${id}/collaborators/${userId}`);
  }

  /** @param {string} id @param {string} userId @returns {Promise<void>} */
  removeCollaborator(id, userId) {
    return this.transport.json('DELETE', `/api/albums/${id}/collaborators/${userId}`);
  }

  /** @param {string} id @param {number} [days] 1 to 365 @returns {Promise<ShareLink>} */
  share(id, days) {
    return this.transport.json('POST', `/api/albums/${id}/share`, { json: { days } });
  }

  /** Makes all links invalid. @param {string} id @returns {Promise<void>} */
  revokeShares(id) {
    return this.transport.json('DELETE', `/api/albums/${id}/share`);
  }
}
