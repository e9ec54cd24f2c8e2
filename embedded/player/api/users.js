import { page } from './paging.js';

/**
 * @import { Transport } from './transport.js'
 * @import { Album, AuditEntry, AuditedKind, Page, Profile, Role, Song, User } from './types.js'
 */

export class UsersApi {
  /** @param {Transport} transport */
  constructor(transport) {
    this.transport = transport;
  }

  /** Whoever signed in first registers. @param {{ clerkId: string, fullName: string, email: string }} person */
  async register(person) {
    /** @type {User} */
    const user = await this.transport.json('POST', '/api/auth/register', { json: { ...person, imageUrl: '' } });
    return user;
  }

  /** @returns {Promise<User>} */
  me() {
    return this.transport.json('GET', '/api/auth/me');
  }

  /** @param {string} id @returns {Promise<Profile | User>} */
  get(id) {
    return this.transport.json('GET', `/api/users/${id}`);
  }

  /** @param {{ q?: string, limit?: number, cursor?: string | null }} [filters] @returns {Promise<Page<Profile>>} */
  artists(filters = {}) {
    return page(this.transport, '/api/users', { role: 'artist', limit: 50, ...filters });
  }

  /** Everything that is stored about the caller, as JSON text. @returns {Promise<string>} */
  async exported() {
    return (await this.transport.send('GET', '/api/auth/me/export')).body;
  }

  /** Deletes the caller's account. @returns {Promise<void>} */
  async leave() {
    await this.transport.send('DELETE', '/api/auth/me');
  }
}

export class AdminApi {
  /** @param {Transport} transport */
  constructor(transport) {
    this.transport = transport;
  }

  /**
   * @param {{ role?: string, isBlocked?: boolean, q?: string, cursor?: string | null }} [filters]
   * @returns {Promise<Page<User>>}
   */
  users(filters = {}) {
    return page(this.transport, '/api/admin/users', { limit: 50, ...filters });
  }

  /** @param {string} id @param {boolean} isBlocked @returns {Promise<User>} */
  setBlocked(id, isBlocked) {
    return this.transport.json('PATCH', `/api/admin/users/${id}/block`, { json: { isBlocked } });
  }

  /** @param {string} id @param {Role} role @returns {Promise<User>} */
  setRole(id, role) {
    return this.transport.json('PATCH', `/api/admin/users/${id}/role`, { json: { role } });
  }

  /** @param {string} id @returns {Promise<void>} */
  removeUser(id) {
    return this.transport.json('DELETE', `/api/admin/users/${id}`);
  }

  /** @param {string | null} [cursor] @returns {Promise<Page<Song>>} */
  songs(cursor) {
    return page(this.transport, '/api/admin/songs', { limit: 50, cursor });
  }

  /** @param {string} id @param {boolean} isVisible @returns {Promise<Song>} */
  setSongVisible(id, isVisible) {
    return this.transport.json('PATCH', `/api/admin/songs/${id}/visible`, { json: { isVisible } });
  }

  /** @param {string | null} [cursor] @returns {Promise<Page<Album>>} */
  albums(cursor) {
    return page(this.transport, '/api/admin/albums', { limit: 50, cursor });
  }

  /** @param {string} id @param {boolean} isVisible @returns {Promise<Album>} */
  setAlbumVisible(id, isVisible) {
    return this.transport.json('PATCH', `/api/admin/albums/${id}/visible`, { json: { isVisible } });
  }

  /** @param {AuditedKind} kind @param {string | null} [cursor] @returns {Promise<Page<AuditEntry>>} */
  audit(kind, cursor) {
    return page(this.transport, `/api/admin/${kind}/audit`, { limit: 50, cursor });
  }
}
