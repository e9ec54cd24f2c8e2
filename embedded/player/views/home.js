import { albumCards } from '../ui/albums.js';
import { button } from '../ui/controls.js';
import { fill, h, plural } from '../ui/dom.js';
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
  const after = app.demo.progress;
  const head = hero(app);
  const trending = async () => {
    const songs = await app.api.songs.trending(12);
    head.show(songs);
    return songs;
  };
  const albums = async () => (await app.api.albums.list({ limit: 12 })).items;
  return h(
    'div',
    { class: 'page' },
    head.element,
    demoNotice(app),
    app.session.isSignedIn &&
      !app.user?.isBlocked &&
      section(
        'For you',
        loaded('cards', () => app.api.songs.forYou(12), (songs) => songs.length > 0 && songCards(app, songs), { after }),
        { subtitle: 'From what you and people with your taste listen to' },
      ),
    section(
      'Trending',
      loaded('rows', trending, (songs) => songs.length > 0 && songList(app, songs.slice(0, 8)), { class: 'columns', after }),
    ),
    section('Genres', loaded('block', () => app.api.songs.genres(), (genres) => genres.length > 0 && genreChips(genres), { after })),
    section('Albums', loaded('cards', albums, (found) => found.length > 0 && albumCards(app, found), { after }), {
      action: h('a', { class: 'link', href: '#/albums' }, 'All albums'),
    }),
    section(
      'New songs',
      paged('cards', (cursor) => app.api.songs.list({ limit: 12, cursor }), (songs) => songCards(app, songs), () => noSongs(app), { after }),
    ),
  );
}

/** The page's title at once; its pictures and the button that plays them when there are songs. @param {App} app */
function hero(app) {
  const user = app.user;
  const covers = h('div', { class: 'hero-covers', 'aria-hidden': 'true' });
  /** @type {Song[]} */
  let songs = [];
  // The same button for all songs to come: one that is replaced would lose the focus, or half a click.
  const play = button('Play what is trending', () => app.player.play(songs), { kind: 'primary', icon: 'play', hidden: true });
  /** @param {Song[]} found */
  const show = (found) => {
    songs = found;
    play.hidden = found.length === 0;
    fill(covers, found.slice(0, 9).map((song) => cover(song.imageUrl)));
  };
  const element = h(
    'header',
    { class: 'hero' },
    covers,
    h(
      'div',
      { class: 'hero-text' },
      h('h1', null, user ? `Hello, ${user.fullName.split(' ')[0]}` : 'Music, streamed from your own machine'),
      h(
        'p',
        null,
        user
          ? 'Pick up where you left off, or let what is trending play.'
          : 'Press play, or sign in as one of the demo accounts to like, collect, upload and moderate.',
      ),
      h('div', { class: 'hero-actions' }, play, !user && button('Sign in', () => openSignIn(app), { class: 'button button-glass' })),
    ),
  );
  return { element, show };
}

/** During the first start. @param {App} app */
function demoNotice(app) {
  const bar = h('progress', { 'aria-label': 'Demo content added' });
  const element = h(
    'div',
    { class: 'demo-notice', role: 'status', hidden: true },
    h('p', null, h('strong', null, 'Demo songs are being added.'), ' They appear here as they arrive, and play at once.'),
    bar,
  );
  app.demo.progress.watch(({ isAdding, done, total }) => {
    element.hidden = !isAdding;
    bar.max = Math.max(1, total);
    bar.value = done;
  }, element);
  return element;
}

/** @param {App} app */
function noSongs(app) {
  const element = h('div');
  app.demo.progress.watch(({ isAdding }) => {
    fill(
      element,
      isAdding
        ? emptyState('note', 'The first songs arrive in a moment', 'You can stay on this page.')
        : emptyState('note', 'No songs yet', 'Sign in as an artist and upload one in the studio.'),
    );
  }, element);
  app.demo.followWhile(element);
  return element;
}

/** @param {{ genre: string, count: number }[]} genres */
function genreChips(genres) {
  return h(
    'ul',
    { class: 'genres' },
    genres.map(({ genre, count }) =>
      h('li', null, h('a', { class: 'genre', href: `#/genres/${encodeURIComponent(genre)}` }, h('strong', null, genre), h('small', null, plural(count, 'song')))),
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
