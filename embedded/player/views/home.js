import { albumCards } from '../ui/albums.js';
import { button } from '../ui/controls.js';
import { h } from '../ui/dom.js';
import { icon } from '../ui/icons.js';
import { emptyState, loaded, paged, section } from '../ui/sections.js';
import { openSignIn } from '../ui/sign_in.js';
import { cover, songCards, songList } from '../ui/songs.js';

/**
 * @import { Song } from '../api/types.js'
 * @import { App } from '../app.js'
 */

/** @param {App} app */
export function homePage(app) {
  const trending = app.api.songs.trending(12);
  return h(
    'div',
    { class: 'page' },
    loaded('block', () => trending, (songs) => hero(app, songs)),
    app.session.isSignedIn &&
      section(
        'For you',
        loaded('cards', () => app.api.songs.forYou(12), (songs) => songCards(app, songs)),
        { subtitle: 'From what you and people with your taste listen to' },
      ),
    section('Trending', loaded('rows', () => trending, (songs) => songList(app, songs.slice(0, 8)), { class: 'columns' })),
    section('Genres', loaded('block', () => app.api.songs.genres(), genreChips)),
    section('Albums', loaded('cards', async () => (await app.api.albums.list({ limit: 12 })).items, (albums) => albumCards(app, albums)), {
      action: h('a', { class: 'link', href: '#/albums' }, 'All albums'),
    }),
    section('New songs', paged('cards', (cursor) => app.api.songs.list({ limit: 12, cursor }), (songs) => songCards(app, songs), () => emptyState('note', 'No songs yet', 'Sign in as an artist and upload one.'))),
  );
}

/** @param {App} app @param {Song[]} songs */
function hero(app, songs) {
  const first = songs[0];
  const user = app.user;
  const greeting = user ? `Hello, ${user.fullName.split(' ')[0]}` : 'Music, streamed from your own machine';
  return h(
    'header',
    { class: 'hero' },
    h('div', { class: 'hero-covers', 'aria-hidden': 'true' }, songs.slice(0, 9).map((song) => cover(song.imageUrl))),
    h(
      'div',
      { class: 'hero-text' },
      h('h1', null, greeting),
      h(
        'p',
        null,
        user
          ? 'Pick up where you left off, or let what is trending play.'
          : 'Press play, or sign in as one of the demo accounts to like, collect, upload and moderate.',
      ),
      h(
        'div',
        { class: 'hero-actions' },
        first && button('Play what is trending', () => app.player.play(songs), { kind: 'primary', icon: 'play' }),
        !user && button('Sign in', () => openSignIn(app), { class: 'button button-glass' }),
      ),
    ),
  );
}

/** @param {{ genre: string, count: number }[]} genres */
function genreChips(genres) {
  return h(
    'ul',
    { class: 'genres' },
    genres.map(({ genre, count }) =>
      h('li', null, h('a', { class: 'genre', href: `#/genres/${encodeURIComponent(genre)}` }, h('strong', null, genre), h('small', null, `${count} songs`))),
    ),
  );
}

/** @param {App} app @param {string} genre */
export function genrePage(app, genre) {
  return h(
    'div',
    { class: 'page' },
    h('p', { class: 'crumb' }, icon('note'), 'Genre'),
    h('h1', null, genre),
    paged(
      'rows',
      (cursor) => app.api.songs.list({ genre, limit: 30, cursor }),
      (songs) => songList(app, songs),
      () => emptyState('note', 'No songs here', `Nobody has published ${genre} yet.`),
    ),
  );
}
