/** Pages by the fragment of the address: `#/albums/65f0…`. */

import { fill, h } from './dom.js';
import { announce } from './controls.js';

/**
 * @import { App } from '../app.js'
 *
 * @typedef {(app: App, ...parameters: string[]) => HTMLElement} View its first h1 is the page's title
 */

const NAME = 'Encore';
const SCROLLING = ['wheel', 'touchmove', 'pointerdown', 'keydown'];

export class Router {
  /**
   * @param {App} app
   * @param {HTMLElement} outlet
   * @param {[RegExp, View][]} routes
   */
  constructor(app, outlet, routes) {
    this.app = app;
    this.outlet = outlet;
    this.routes = routes;
    this.path = '/';
    /** Position of the page in the browser's history. */
    this.entry = 0;
    /** @type {Map<number, number>} by entry, how far its page was scrolled */
    this.scrolled = new Map();
    /** How far the page will be scrolled when there is enough content. @type {number | null} */
    this.scrollTo = null;
    /** What has the focus until the page has a title to focus; null when it is not to be focused. @type {Element | null} */
    this.focused = null;
  }

  start() {
    this.entry = history.state?.entry ?? 0;
    history.replaceState({ entry: this.entry }, '');
    addEventListener('hashchange', () => this.navigated());
    addEventListener('refresh', () => this.show(false));
    this.outlet.addEventListener('loaded', () => this.complete());
    for (const kind of SCROLLING) this.outlet.addEventListener(kind, () => (this.scrollTo = null), { passive: true });
    // Who signs in or out sees other things.
    let first = true;
    this.app.session.user.watch(() => {
      if (!first) this.show(false);
      first = false;
    });
    this.show(false);
  }

  navigated() {
    const dialogs = /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll('dialog[open]'));
    for (const dialog of dialogs) dialog.close();
    /** @type {number | undefined} undefined unless it was shown before: Back or Forward */
    const entry = history.state?.entry;
    if (isAnchor() || entry === this.entry) return;
    if (entry !== undefined && dialogs.length > 0) {
      // Back closes the dialog and nothing else.
      history.go(this.entry - entry);
      return;
    }
    this.scrolled.set(this.entry, this.outlet.scrollTop);
    this.entry = entry ?? this.entry + 1;
    history.replaceState({ entry: this.entry }, '');
    this.show(true, entry === undefined ? 0 : this.scrolled.get(entry));
  }

  /** @param {boolean} andFocus moves a screen reader's focus to the new page @param {number} [scrollTo] */
  show(andFocus, scrollTo = 0) {
    if (!isAnchor()) this.path = location.hash.slice(1) || '/';
    for (const [pattern, view] of this.routes) {
      const match = pattern.exec(this.path);
      if (match) {
        this.fill(view(this.app, ...match.slice(1).map(decoded)), andFocus, scrollTo);
        return;
      }
    }
    this.fill(h('div', { class: 'page' }, h('h1', null, 'Page not found')), andFocus, scrollTo);
  }

  /** @param {HTMLElement} page @param {boolean} andFocus @param {number} scrollTo */
  fill(page, andFocus, scrollTo) {
    fill(this.outlet, page);
    this.outlet.scrollTo({ top: 0, behavior: 'instant' });
    this.scrollTo = scrollTo;
    // Who types in the search field goes on typing.
    this.focused = andFocus && !document.activeElement?.matches('[type=search]') ? document.activeElement : null;
    this.complete();
    dispatchEvent(new CustomEvent('pageshown', { detail: this.path }));
  }

  /** Does what needs the content of the page, of which some may be loaded later. */
  complete() {
    const title = this.outlet.querySelector('h1');
    const name = title?.textContent ?? '';
    document.title = name ? `${name} · ${NAME}` : NAME;
    if (title && this.focused) {
      if (document.activeElement === this.focused) {
        title.tabIndex = -1;
        title.focus({ preventScroll: true });
      }
      announce(name);
      this.focused = null;
    }
    if (this.scrollTo) this.outlet.scrollTo({ top: this.scrollTo, behavior: 'instant' });
    if (!this.outlet.querySelector('[aria-busy]')) this.scrollTo = null;
  }
}

/** Whether the address is one within the page: "#main" of the skip link. */
function isAnchor() {
  return location.hash !== '' && !location.hash.startsWith('#/');
}

/** @param {string | undefined} text */
export function decoded(text) {
  try {
    return decodeURIComponent(text ?? '');
  } catch {
    return text ?? '';
  }
}
