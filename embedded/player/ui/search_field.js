/** Search as you type: the page follows the field. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { decoded } from './router.js';

/** @import { App } from '../app.js' */

const PAUSE_MILLISECONDS = 220;

/** @param {App} app */
export function searchField(app) {
  const input = h('input', {
    type: 'search',
    id: 'search',
    class: 'search-input',
    placeholder: matchMedia('(max-width: 46rem)').matches ? 'Search' : 'Songs, albums, artists',
    'aria-label': 'Search',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 200,
  });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const path = `/search/${encodeURIComponent(input.value.trim())}`;
      const isSearching = location.hash.startsWith('#/search');
      // While typing the history holds one entry, not one for each letter.
      if (isSearching) history.replaceState(history.state, '', `#${path}`);
      else app.go(path);
      if (isSearching) dispatchEvent(new CustomEvent('searched', { detail: input.value.trim() }));
    }, PAUSE_MILLISECONDS);
  });
  addEventListener('pageshown', () => {
    const match = /^#\/search\/(.*)$/.exec(location.hash);
    if (!match && !location.hash.startsWith('#/search')) input.value = '';
    else if (document.activeElement !== input) input.value = decoded(match?.[1]);
  });
  const form = h('form', { class: 'search', role: 'search' }, icon('search'), input, h('kbd', { 'aria-hidden': 'true' }, '/'));
  form.addEventListener('submit', (event) => event.preventDefault());
  return form;
}
