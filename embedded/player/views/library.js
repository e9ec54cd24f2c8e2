import { albumCards } from '../ui/albums.js';
import { button, confirmed } from '../ui/controls.js';
import { ago, h } from '../ui/dom.js';
import { newPlaylistButton } from '../ui/playlist_dialog.js';
import { attempt, emptyState, loaded, paged, section } from '../ui/sections.js';
import { openSignIn } from '../ui/sign_in.js';
import { songList } from '../ui/songs.js';

/**
 * @import { App } from '../app.js'
 * @import { Child } from '../ui/dom.js'
 */

/**
 * A page for who is signed in.
 * @param {App} app
 * @param {string} title
 * @param {() => Child | Child[]} content
 * @param {Child} [action]
 */
function libraryPage(app, title, content, action) {
  return h(
    'div',
    { class: 'page' },
    h('header', { class: 'page-head' }, h('h1', null, title), app.session.isSignedIn && action),
    app.session.isSignedIn
      ? content()
      : emptyState('artists', 'This is personal', 'Sign in to see yours.', button('Sign in', () => openSignIn(app), { kind: 'primary' })),
  );
}

/** @param {App} app */
export function likedPage(app) {
  return libraryPage(app, 'Liked songs', () =>
    paged(
      'rows',
      (cursor) => app.api.songs.liked(cursor),
      (songs) => songList(app, songs),
      () => emptyState('heart', 'No likes yet', 'Press the heart of a song: it is kept here, and counts for your recommendations.'),
    ),
  );
}

/** @param {App} app */
export function historyPage(app) {
  const page = libraryPage(
    app,
    'History',
    () =>
      paged(
        'rows',
        (cursor) => app.api.songs.history(cursor),
        (entries) =>
          songList(
            app,
            entries.map(({ song }) => song),
            {
              detail: (_, index) => {
                const entry = entries[index];
                if (!entry) return null;
                return [
                  entry.completed && h('span', { class: 'tag tag-good' }, 'to the end'),
                  entry.skipped && h('span', { class: 'tag' }, 'skipped'),
                  h('time', { class: 'muted', datetime: entry.playedAt }, ago(entry.playedAt)),
                ];
              },
            },
          ),
        () => emptyState('history', 'Nothing played yet', 'What plays for three seconds appears here.'),
      ),
    button(
      'Clear',
      async () => {
        const isSure = await confirmed('Clear your history?', 'Plays still count for the artists.', 'Clear');
        if (isSure && (await attempt(() => app.api.songs.clearHistory()))) page.replaceWith(historyPage(app));
      },
      { icon: 'trash' },
    ),
  );
  return page;
}

/** @param {App} app */
export function playlistsPage(app) {
  return libraryPage(
    app,
    app.isArtist ? 'Albums and playlists' : 'Playlists',
    () => [
      loaded('cards', () => app.api.albums.mine(), (albums) =>
        albums.length
          ? albumCards(app, albums)
          : emptyState('playlist', 'No playlists yet', 'Collect songs, put them in order, share them with a link.', newPlaylistButton(app)),
      ),
      loaded('cards', () => app.api.albums.collaborations(), (albums) =>
        albums.length ? section('With others', albumCards(app, albums)) : null,
      ),
    ],
    newPlaylistButton(app),
  );
}
