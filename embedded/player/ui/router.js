/** Pages by the fragment of the address: `#/albums/65f0…`. */

import { fill, h } from './dom.js';
import { announce } from './controls.js';

/**
 * @import { App } from '../app.js'
 *
 * @typedef {(app: App, ...parameters: string[]) => HTMLElement} View its first h1 is the page's title
 */

const NAME = 'Encore';

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
    /** What has the focus until the page has a title to focus; null when it is not to be focused. @type {Element | null} */
    this.focused = null;
  }

  start() {
    addEventListener('hashchange', () => isAnchor() || this.show(true));
    addEventListener('refresh', () => this.show(false));
    this.outlet.addEventListener('loaded', () => this.complete());
    // Who signs in or out sees other things.
    let first = true;
    this.app.session.user.watch(() => {
      if (!first) this.show(false);
      first = false;
    });
    this.show(false);
  }

  /** @param {boolean} andFocus moves a screen reader's focus to the new page */
  show(andFocus) {
    if (!isAnchor()) this.path = location.hash.slice(1) || '/';
    for (const [pattern, view] of this.routes) {
      const match = pattern.exec(this.path);
      if (match) {
        this.fill(view(this.app, ...match.slice(1).map(decoded)), andFocus);
        return;
      }
    }
    this.fill(h('div', { class: 'page' }, h('h1', null, 'Page not found')), andFocus);
  }

  /** @param {HTMLElement} page @param {boolean} andFocus */
  fill(page, andFocus) {
    fill(this.outlet, page);
    this.outlet.scrollTo(0, 0);
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
