/** What every part of the page needs, in one object. */

import { MusicApi } from './api/client.js';
import { DemoProgress } from './demo_progress.js';
import { Likes } from './likes.js';
import { Observable } from './observable.js';
import { Player } from './playback/player.js';
import { reporter } from './playback/reports.js';
import { Session } from './session.js';

/**
 * @import { CallRecord } from './api/record.js'
 * @typedef {{ email: string, fullName: string, role: 'listener' | 'artist' | 'admin' }} DemoAccount
 * @typedef {{ gatewayUrl: string, accounts: DemoAccount[] }} Config
 */

const CALLS_KEPT = 200;

export class App {
  /** @param {Config} config */
  constructor(config) {
    this.config = config;
    this.session = new Session();
    /** @type {Observable<CallRecord[]>} newest first */
    this.calls = new Observable(/** @type {CallRecord[]} */ ([]));
    this.api = new MusicApi({
      baseUrl: config.gatewayUrl,
      getToken: (renew) => this.session.currentToken(renew),
      onCall: (call) => this.calls.set([call, ...this.calls.value].slice(0, CALLS_KEPT)),
    });
    this.demo = new DemoProgress();
    this.likes = new Likes(this.api, this.session);
    this.player = new Player(reporter(this.api, this.session));
  }

  get user() {
    return this.session.user.value;
  }

  get isArtist() {
    return this.user?.role === 'artist' || this.isAdmin;
  }

  get isAdmin() {
    return this.user?.role === 'admin';
  }

  /** @param {string} path such as "/albums" */
  go(path) {
    location.hash = `#${path}`;
  }

  /** Renders the page again after a change. */
  refresh() {
    dispatchEvent(new Event('refresh'));
  }
}
