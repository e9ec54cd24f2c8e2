/** Who is signed in. The local cloud's `POST /sign-in` replaces Clerk's sign-in pages. */

import { ApiError } from './api/errors.js';
import { Observable } from './observable.js';
import { remember, remembered } from './preferences.js';

/**
 * @import { MusicApi } from './api/client.js'
 * @import { User } from './api/types.js'
 *
 * @typedef {{ email: string, fullName: string }} Account
 * @typedef {{ token: string, clerkId: string, expiresAt: number }} Token
 */

const RENEW_BEFORE_MILLISECONDS = 30_000;
const TIMEOUT_MILLISECONDS = 30_000;

export class Session {
  constructor() {
    /** @type {Observable<User | null>} */
    this.user = new Observable(/** @type {User | null} */ (null));
    /** @type {Account | null} */
    this.account = remembered('account', /** @type {Account | null} */ (null));
    /** @type {Token | null} */
    this.token = null;
    /** @type {Promise<Token> | null} */
    this.signingIn = null;
  }

  get isSignedIn() {
    return this.user.value !== null;
  }

  /** A token that is still valid for some time, null when nobody is signed in. @param {boolean} renew */
  async currentToken(renew) {
    if (!this.account) return null;
    const isOld = !this.token || Date.now() > this.token.expiresAt - RENEW_BEFORE_MILLISECONDS;
    if (renew || isOld) {
      this.signingIn ??= requestToken(this.account).finally(() => (this.signingIn = null));
      this.token = await this.signingIn;
    }
    return this.token?.token ?? null;
  }

  /** Signs in who was signed in when the page was closed. @param {MusicApi} api */
  async resume(api) {
    if (!this.account) return;
    try {
      await this.currentToken(false);
      const user = await api.users.me();
      this.user.set(user);
    } catch (error) {
      const isGone = error instanceof ApiError && error.code === 'user_not_registered';
      if (!isGone) throw error;
      this.signOut();
    }
  }

  /**
   * Signs in, and registers: who is registered already, or blocked, gets the account that there is. Throws ApiError.
   * @param {MusicApi} api
   * @param {Account} account
   * @returns {Promise<User>}
   */
  async signIn(api, account) {
    const former = { account: this.account, token: this.token };
    this.token = await requestToken(account);
    this.account = account;
    try {
      const user = await registered(api, { clerkId: this.token.clerkId, ...account });
      remember('account', account);
      this.user.set(user);
      return user;
    } catch (error) {
      Object.assign(this, former);
      throw error;
    }
  }

  signOut() {
    this.account = null;
    this.token = null;
    remember('account', null);
    this.user.set(null);
  }
}

/** @param {MusicApi} api @param {Account & { clerkId: string }} person @returns {Promise<User>} */
async function registered(api, person) {
  try {
    return await api.users.register(person);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'user_blocked')) throw error;
    // Nobody has an account if it was deleted while it was blocked.
    return api.users.me().catch(() => Promise.reject(error));
  }
}

/** @param {Account} account @returns {Promise<Token>} */
async function requestToken(account) {
  let response;
  try {
    response = await fetch('/sign-in', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(account),
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
  } catch {
    throw new ApiError(0, 'The sign-in cannot be reached');
  }
  const result = await response.json().catch(() => ({}));
  if (!response.ok || !result.token) {
    throw new ApiError(response.status, result.error ?? `The sign-in failed: the server returned ${response.status}`, result);
  }
  return { token: result.token, clerkId: result.clerkId, expiresAt: Date.parse(result.expiresAt) };
}
