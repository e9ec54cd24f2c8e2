import { albumCards, artistCards } from '../ui/albums.js';
import { button } from '../ui/controls.js';
import { h, roleName } from '../ui/dom.js';
import { emptyState, loaded, paged, section } from '../ui/sections.js';
import { cover, songList } from '../ui/songs.js';

/**
 * @import { Song } from '../api/types.js'
 * @import { App } from '../app.js'
 */

/** @param {App} app */
export function artistsPage(app) {
  return h(
    'div',
    { class: 'page' },
    h('h1', null, 'Artists'),
    paged(
      'cards',
      (cursor) => app.api.users.artists({ cursor }),
      (artists) => artistCards(artists),
      () => emptyState('artists', 'No artists yet', 'An admin makes somebody an artist.'),
    ),
  );
}

/** @param {App} app @param {string} id */
export function artistPage(app, id) {
  /** @type {Song[]} */
  let songs = [];
  const play = button('Play', () => app.player.play(songs), { kind: 'primary', icon: 'play', disabled: true });
  const load = async () => {
    songs = (await app.api.songs.list({ artistId: id, limit: 50 })).items;
    play.disabled = songs.length === 0;
    return songs;
  };
  return h(
    'div',
    { class: 'page' },
    loaded('block', () => app.api.users.get(id), (artist) =>
      h(
        'header',
        { class: 'banner' },
        cover(artist.imageUrl, 'banner-cover banner-round'),
        h(
          'div',
          { class: 'banner-text' },
          h('p', { class: 'crumb' }, roleName(artist.role)),
          h('h1', null, artist.fullName),
          h('p', { class: 'banner-facts' }, h('span', null, `Here since ${new Date(artist.createdAt).toLocaleDateString('en', { month: 'long', year: 'numeric' })}`)),
          h('div', { class: 'banner-actions' }, play),
        ),
      ),
    ),
    section(
      'Songs',
      loaded('rows', load, (found) => (found.length ? songList(app, found) : emptyState('note', 'No songs yet', 'Nothing is published here.'))),
    ),
    section(
      'Albums',
      loaded('cards', async () => (await app.api.albums.list({ creatorId: id, limit: 50 })).items, (albums) =>
        albums.length ? albumCards(app, albums) : emptyState('albums', 'No albums yet', 'Nothing is published here.'),
      ),
    ),
  );
}
