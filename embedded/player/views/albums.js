import { ApiError } from '../api/errors.js';
import { albumActions, albumMenu } from '../ui/album_actions.js';
import { albumCards } from '../ui/albums.js';
import { button, toast } from '../ui/controls.js';
import { fill, h, plural } from '../ui/dom.js';
import { attempt, emptyState, loaded, messageOf, paged } from '../ui/sections.js';
import { dragHandle } from '../ui/sortable.js';
import { cover, songList } from '../ui/songs.js';

/**
 * @import { AlbumWithSongs, Song, Versioned } from '../api/types.js'
 * @import { App } from '../app.js'
 */

/** @param {App} app */
export function albumsPage(app) {
  return h(
    'div',
    { class: 'page' },
    h('h1', null, 'Albums'),
    paged(
      'cards',
      (cursor) => app.api.albums.list({ cursor }),
      (albums) => albumCards(app, albums),
      () => emptyState('albums', 'No albums yet', 'Artists publish them in their studio.'),
    ),
  );
}

/** @param {App} app @param {string} id */
export function albumPage(app, id) {
  return h('div', { class: 'page' }, loaded('block', () => app.api.albums.get(id), (album, reload) => content(app, album, reload)));
}

/** @param {App} app @param {string} token */
export function sharedAlbumPage(app, token) {
  return h(
    'div',
    { class: 'page' },
    loaded('block', () => app.api.albums.shared(token), (album) => [
      banner(app, album, 'Shared with you'),
      album.songs.length ? songList(app, album.songs) : emptyState('playlist', 'Nothing in it yet', 'Come back later.'),
    ]),
  );
}

/** @param {App} app @param {Versioned<AlbumWithSongs>} versioned @param {() => void} reload */
function content(app, { value: album, etag }, reload) {
  const isCreator = app.user?._id === album.creatorId;
  const mayEdit = isCreator || app.isAdmin || Boolean(album.collaboratorIds?.includes(app.user?._id ?? ''));
  const kind = album.isPublic ? 'Album' : 'Playlist';
  const songs = mayEdit ? editableSongs(app, album, etag, reload) : songList(app, album.songs);
  return [
    banner(app, album, kind, mayEdit ? [albumActions(app, album, isCreator || app.isAdmin, reload), albumMenu(app, album, isCreator || app.isAdmin, reload)] : []),
    album.songs.length ? songs : emptyState('playlist', 'Nothing in it yet', 'Add songs from the menu of a song.'),
  ];
}

/** @param {App} app @param {AlbumWithSongs} album @param {string} kind @param {Node[]} [actions] */
function banner(app, album, kind, actions = []) {
  const seconds = album.songs.reduce((sum, song) => sum + song.duration, 0);
  const play = button('Play', () => app.player.play(album.songs), { kind: 'primary', icon: 'play', disabled: album.songs.length === 0 });
  return h(
    'header',
    { class: 'banner' },
    cover(album.imageUrl, 'banner-cover'),
    h(
      'div',
      { class: 'banner-text' },
      h('p', { class: 'crumb' }, kind),
      h('h1', null, album.title),
      h(
        'p',
        { class: 'banner-facts' },
        h('a', { href: `#/artists/${album.creatorId}` }, album.creatorName),
        h('span', null, plural(album.songs.length, 'song')),
        album.songs.length > 0 && h('span', null, `${Math.max(1, Math.round(seconds / 60))} min`),
        !album.isPublic && h('span', { class: 'tag tag-private' }, 'private'),
        !album.isVisible && h('span', { class: 'tag tag-hidden' }, 'hidden'),
        Boolean(album.collaboratorIds?.length) && h('span', null, plural(album.collaboratorIds?.length ?? 0, 'collaborator')),
      ),
      h('div', { class: 'banner-actions' }, play, actions),
    ),
  );
}

/** @param {App} app @param {AlbumWithSongs} album @param {string | null} etag @param {() => void} reload */
function editableSongs(app, album, etag, reload) {
  const box = h('div');
  let saving = Promise.resolve();
  let hasFailed = false;
  /** @param {number} from @param {number} to */
  const moved = (from, to) => {
    const ids = (album.songIds = reordered(album, from, to));
    const [song] = album.songs.splice(from, 1);
    if (song) album.songs.splice(to, 0, song);
    fill(box, list());
    /** @type {HTMLElement | undefined} */ (box.querySelectorAll('[data-drag]')[to])?.focus();
    // One after the other: each requires the version that the one before has made.
    saving = saving.then(() => save(ids));
  };
  /** @param {string[]} ids */
  const save = async (ids) => {
    if (hasFailed) return;
    try {
      etag = await app.api.albums.reorder(album._id, ids, etag);
    } catch (error) {
      hasFailed = true;
      const isOutdated = error instanceof ApiError && (error.status === 412 || error.status === 409);
      toast(isOutdated ? 'Somebody else changed it meanwhile: here is how it is now' : messageOf(error), 'error');
      reload();
    }
  };
  const list = () =>
    songList(app, album.songs, {
      handle: (song) => dragHandle(song.title, moved),
      menu: (song) => [
        {
          label: 'Remove from this album',
          icon: 'trash',
          isDangerous: true,
          run: async () => {
            if (await attempt(() => app.api.albums.removeSong(album._id, song._id), `${song.title} is removed`)) reload();
          },
        },
      ],
    });
  fill(box, list());
  return box;
}

/**
 * The ids of all songs with one moved. Songs that the caller may not see keep their places.
 * @param {AlbumWithSongs} album
 * @param {number} from among the songs that are shown
 * @param {number} to
 */
export function reordered(album, from, to) {
  const shown = album.songs.map((/** @type {Song} */ song) => song._id);
  const [id] = shown.splice(from, 1);
  if (id) shown.splice(to, 0, id);
  const visible = new Set(shown);
  return album.songIds.map((each) => (visible.has(each) ? /** @type {string} */ (shown.shift()) : each));
}
