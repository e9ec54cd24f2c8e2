/** How much of the demo content is in place: the first start adds it while the page may be open already. */

import { Observable } from './observable.js';

/** @typedef {{ isAdding: boolean, done: number, total: number }} Progress */

const EVERY_MILLISECONDS = 1000;
/** @type {Progress} */
const NOTHING = Object.freeze({ isAdding: false, done: 0, total: 0 });

export class DemoProgress {
  constructor() {
    /** @type {Observable<Progress>} */
    this.progress = new Observable(/** @type {Progress} */ (NOTHING));
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** Asks the local cloud, and again every second while content is being added. */
  async follow() {
    clearTimeout(this.timer);
    const former = this.progress.value;
    const current = await this.ask();
    if (current.isAdding !== former.isAdding || current.done !== former.done) this.progress.set(current);
    if (current.isAdding) this.timer = setTimeout(() => void this.follow(), EVERY_MILLISECONDS);
  }

  /** For a page without songs: adding them may begin after it was opened. @param {Element} element */
  followWhile(element) {
    const timer = setInterval(() => {
      if (!element.isConnected) clearInterval(timer);
      else if (!this.progress.value.isAdding) void this.follow();
    }, EVERY_MILLISECONDS);
  }

  /** @returns {Promise<Progress>} */
  async ask() {
    try {
      const response = await fetch('/demo-progress');
      if (response.ok) return await response.json();
    } catch {
      // The local cloud is gone: nothing is being added.
    }
    return NOTHING;
  }
}
