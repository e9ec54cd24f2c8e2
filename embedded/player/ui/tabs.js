/** Parts of a page, each with an address of its own. */

import { h } from './dom.js';

/** @import { Child } from './dom.js' */

/**
 * @param {string} label
 * @param {string} path of the page
 * @param {string} chosen
 * @param {[string, string, () => Child | Child[]][]} parts name in the address, title, content
 */
export function tabs(label, path, chosen, parts) {
  const open = parts.find(([name]) => name === chosen) ?? parts[0];
  return h(
    'div',
    null,
    h(
      'nav',
      { class: 'tabs', 'aria-label': label },
      parts.map(([name, title]) => h('a', { href: `#${path}/${name}`, 'aria-current': name === open?.[0] ? 'page' : null }, title)),
    ),
    open?.[2](),
  );
}
