import { albumCards, artistCards } from '../ui/albums.js';
import { fill, h } from '../ui/dom.js';
import { announce } from '../ui/controls.js';
import { emptyState, failure, paged, section, skeleton } from '../ui/sections.js';
import { songList } from '../ui/songs.js';

/**
 * @import { SearchResult } from '../api/types.js'
 * @import { App } from '../app.js'
 */

/** @param {App} app @param {string} [query] */
export function searchPage(app, query = '') {
  const title = h('h1', null, 'Search');
  const results = h('div', { class: 'results' });
  const page = h('div', { class: 'page' }, title, results);
  /** @type {AbortController | null} */
  let running = null;

  /** @param {string} text */
  const search = async (text) => {
    running?.abort();
    if (!text) {
      title.textContent = 'Search';
      fill(results, emptyState('search', 'What would you like to hear?', 'Titles and names count, also half-typed and misspelt.'));
      return;
    }
    const mine = (running = new AbortController());
    title.textContent = `“${text}”`;
    if (!results.querySelector('.section')) fill(results, skeleton('rows'));
    results.setAttribute('aria-busy', 'true');
    try {
      const found = await app.api.search(text, 8, mine.signal);
      if (mine.signal.aborted) return;
      fill(results, unavailable(found), sections(app, text, found));
      announce(`${found.songs.length} songs, ${found.albums.length} albums, ${found.artists.length} artists`);
    } catch (error) {
      if (!mine.signal.aborted) fill(results, failure(error, () => void search(text)));
    } finally {
      if (running === mine) {
        results.removeAttribute('aria-busy');
        results.dispatchEvent(new Event('loaded', { bubbles: true }));
      }
    }
  };

  const follow = (/** @type {Event} */ event) => {
    if (page.isConnected) void search(/** @type {CustomEvent<string>} */ (event).detail);
    else removeEventListener('searched', follow);
  };
  addEventListener('searched', follow);
  void search(query);
  return page;
}

/** @type {Record<string, string>} */
const SEARCHED = { song: 'songs', album: 'albums', user: 'artists' };

/** What could not be searched. @param {SearchResult} found */
function unavailable(found) {
  if (!found.unavailable?.length) return null;
  const names = found.unavailable.map((service) => SEARCHED[service] ?? service).join(' and ');
  return h('p', { class: 'notice', role: 'status' }, `No ${names} can be found now, as a service does not respond. Search again in a moment.`);
}

/** @param {App} app @param {string} query @param {SearchResult} found */
function sections(app, query, found) {
  const { songs, albums, artists } = found;
  if (songs.length + albums.length + artists.length === 0) {
    if (found.unavailable?.length) return [];
    return [emptyState('search', 'Nothing found', 'Try fewer letters, or another spelling.')];
  }
  const all = songs.length >= 8 && h('button', { type: 'button', class: 'link', onclick: () => showAll() }, 'All songs');
  const list = h('div', null, songList(app, songs));
  const showAll = () => {
    if (all) all.remove();
    fill(list, paged('rows', (cursor) => app.api.songs.list({ q: query, limit: 30, cursor }), (more) => songList(app, more), () => h('p')));
  };
  /** @param {'songs' | 'albums' | 'artists'} list */
  const subtitle = (list) => found.corrected?.[list] && `Shown for “${found.corrected[list]}”`;
  return [
    artists.length > 0 && section('Artists', artistCards(artists), { subtitle: subtitle('artists') }),
    songs.length > 0 && section('Songs', list, { action: all, subtitle: subtitle('songs') }),
    albums.length > 0 && section('Albums', albumCards(app, albums), { subtitle: subtitle('albums') }),
  ];
}
