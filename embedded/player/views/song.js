import { button } from '../ui/controls.js';
import { clock, h } from '../ui/dom.js';
import { offerPlaylists } from '../ui/playlist_dialog.js';
import { emptyState, loaded, section } from '../ui/sections.js';
import { cover, likeButton, songList, songMenu } from '../ui/songs.js';

/**
 * @import { Song } from '../api/types.js'
 * @import { App } from '../app.js'
 */

/** @param {App} app @param {string} id */
export function songPage(app, id) {
  return h(
    'div',
    { class: 'page' },
    loaded('block', () => app.api.songs.get(id), (song) => [
      banner(app, song),
      section(
        'Similar songs',
        loaded('rows', () => app.api.songs.similar(id, 10), (songs) =>
          songs.length ? songList(app, songs) : emptyState('note', 'Nothing similar yet', 'It takes a few songs more to tell.'),
        ),
      ),
    ]),
  );
}

/** @param {App} app @param {Song} song */
function banner(app, song) {
  return h(
    'header',
    { class: 'banner' },
    cover(song.imageUrl, 'banner-cover'),
    h(
      'div',
      { class: 'banner-text' },
      h('p', { class: 'crumb' }, 'Song'),
      h('h1', null, song.title),
      h(
        'p',
        { class: 'banner-facts' },
        h('a', { href: `#/artists/${song.artistId}` }, song.artistName),
        h('span', null, clock(song.duration)),
        song.genre && h('a', { href: `#/genres/${encodeURIComponent(song.genre)}` }, song.genre),
        song.mood && h('span', null, song.mood),
      ),
      h(
        'div',
        { class: 'banner-actions' },
        button('Play', () => app.player.play([song]), { kind: 'primary', icon: 'play' }),
        button('Add to playlist', () => offerPlaylists(app, song), { icon: 'plus' }),
        h('span', { class: 'inline' }, likeButton(app, song), songMenu(app, song)),
      ),
    ),
  );
}
