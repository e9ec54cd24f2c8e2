/** Parts of a page that are loaded: skeletons first, then content, an empty state, or an error with a way on. */

import { ApiError } from '../api/errors.js';
import { button, toast } from './controls.js';
import { fill, h } from './dom.js';
import { icon } from './icons.js';

/**
 * @import { Page } from '../api/types.js'
 * @import { Observable } from '../observable.js'
 * @import { Child } from './dom.js'
 * @import { IconName } from './icons.js'
 */

/** @param {'rows' | 'cards' | 'block'} kind */
export function skeleton(kind) {
  const count = kind === 'rows' ? 5 : kind === 'cards' ? 6 : 1;
  const pieces = Array.from({ length: count }, () => h('div', { class: `skeleton skeleton-${kind}` }));
  return h('div', { class: `skeletons skeletons-${kind}`, 'aria-hidden': 'true' }, pieces);
}

/**
 * @param {IconName} name
 * @param {string} title
 * @param {string} text
 * @param {Child} [action]
 */
export function emptyState(name, title, text, action) {
  return h('div', { class: 'empty' }, icon(name), h('p', { class: 'empty-title' }, title), h('p', null, text), action);
}

/** @param {unknown} error @returns {string} */
export function messageOf(error) {
  if (error instanceof ApiError && error.isUnsupported) return 'This server does not offer this yet';
  return error instanceof Error ? error.message : String(error);
}

/**
 * Fills an element with what `load` brings.
 * @template T
 * @param {'rows' | 'cards' | 'block'} kind of the skeleton
 * @param {() => Promise<T>} load
 * @param {(value: T, reload: () => void) => Child | Child[]} render
 * @param {{ class?: string, after?: Observable<any> }} [more] `after` loads it again at each change, in place
 */
export function loaded(kind, load, render, more = {}) {
  const element = h('div', { class: more.class, 'aria-busy': 'true' }, skeleton(kind));
  let shown = '';
  const run = async () => {
    element.setAttribute('aria-busy', 'true');
    try {
      const value = await load();
      keepFocus(element, () => fill(element, render(value, run)));
      shown = JSON.stringify(value);
    } catch (error) {
      keepFocus(element, () => fill(element, failure(error, run)));
      asTitle(element);
      shown = '';
    } finally {
      element.removeAttribute('aria-busy');
      element.dispatchEvent(new Event('loaded', { bubbles: true }));
    }
  };
  /** What is shown stays until there is something else to show. */
  const update = async () => {
    try {
      const value = await load();
      if (JSON.stringify(value) === shown) return;
      shown = JSON.stringify(value);
      keepFocus(element, () => fill(element, render(value, run)));
    } catch (error) {
      // The next change tries again.
      if (!(error instanceof ApiError)) console.error(error);
    }
  };
  const ready = run();
  let isFirst = true;
  more.after?.watch(() => {
    if (!isFirst) void ready.then(update);
    isFirst = false;
  }, element);
  return element;
}

/** A page of which nothing but an error can be shown has the error as its title. @param {Element} element */
function asTitle(element) {
  const page = element.parentElement;
  const message = element.querySelector('.failure p');
  if (message && page?.matches('.page') && !page.querySelector('h1')) message.replaceWith(h('h1', null, message.textContent));
}

/** The focus stays on the control of the same name, else in the same part of the page. @param {Element} element @param {() => void} render */
export function keepFocus(element, render) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const name = focused && nameOf(focused);
  render();
  if (!name) return;
  const controls = [...element.querySelectorAll('a, button, input, select')];
  const again = controls.find((each) => nameOf(each) === name) ?? controls[0];
  /** @type {HTMLElement | undefined} */ (again)?.focus({ preventScroll: true });
}

/** @param {Element} control */
function nameOf(control) {
  return control.getAttribute('aria-label') ?? control.textContent;
}

/** @param {unknown} error @param {() => void} retry */
export function failure(error, retry) {
  const id = error instanceof ApiError ? error.requestId : null;
  if (!(error instanceof ApiError)) console.error(error);
  return h(
    'div',
    { class: 'failure', role: 'alert' },
    icon('warning'),
    h('div', null, h('p', null, messageOf(error)), id && h('p', { class: 'muted mono' }, `Request ${id}`)),
    button('Try again', retry),
  );
}

/**
 * A list that grows page by page.
 * @template T
 * @param {'rows' | 'cards'} kind
 * @param {(cursor: string | null) => Promise<Page<T>>} load
 * @param {(items: T[], reload: () => void) => HTMLElement} render all items of one page
 * @param {() => Node} whenEmpty
 * @param {{ after?: Observable<any> }} [options]
 */
export function paged(kind, load, render, whenEmpty, options = {}) {
  return loaded(kind, () => load(null), (first, reload) => {
    if (first.items.length === 0) return whenEmpty();
    const list = h('div', null, render(first.items, reload));
    const more = h('div', { class: 'more' });
    /** @param {string | null} next */
    const offer = (next) => {
      if (!next) return fill(more);
      const ask = button('Show more', async () => {
        ask.disabled = true;
        await attempt(async () => {
          const page = await load(next);
          list.append(render(page.items, reload));
          offer(page.next);
        });
        ask.disabled = false;
      });
      fill(more, ask);
    };
    offer(first.next);
    return [list, more];
  }, options);
}

/**
 * Does something the user asked for; what goes wrong is said in a message.
 * @param {() => Promise<unknown>} work
 * @param {string} [done] what to say when it went well
 * @returns {Promise<boolean>} whether it went well
 */
export async function attempt(work, done) {
  try {
    await work();
    if (done) toast(done);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) console.error(error);
    toast(messageOf(error), 'error');
    return false;
  }
}

/**
 * @param {string} title
 * @param {Child | Child[]} content
 * @param {{ action?: Child, id?: string, subtitle?: string }} [more]
 */
export function section(title, content, { action, subtitle } = {}) {
  return h(
    'section',
    { class: 'section', 'aria-label': title },
    h(
      'header',
      { class: 'section-head' },
      h('div', null, h('h2', null, title), subtitle && h('p', { class: 'muted' }, subtitle)),
      action,
    ),
    content,
  );
}
