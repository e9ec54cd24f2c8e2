/**
 * A value whose changes can be watched.
 * @template T
 */
export class Observable {
  /** @param {T} value */
  constructor(value) {
    this.value = value;
    /** @type {Set<(value: T) => void>} */
    this.watchers = new Set();
  }

  /** @param {T} value */
  set(value) {
    this.value = value;
    for (const watcher of [...this.watchers]) watcher(value);
  }

  /**
   * Calls `watcher` now and after each change, until the element is gone from the page or `stop` is called.
   * @param {(value: T) => void} watcher
   * @param {Element} [owner] stops watching once this has been shown and removed again
   * @returns {() => void} stop
   */
  watch(watcher, owner) {
    let wasShown = false;
    /** @param {T} value */
    const guarded = (value) => {
      if (owner && wasShown && !owner.isConnected) return stop();
      wasShown ||= Boolean(owner?.isConnected);
      watcher(value);
    };
    const stop = () => {
      this.watchers.delete(guarded);
    };
    this.watchers.add(guarded);
    guarded(this.value);
    return stop;
  }
}
