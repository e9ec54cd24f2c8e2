/** Songs as rows and as cards, with what can be done with one. */

import { iconButton, menuButton, relabel, toast } from './controls.js';
import { clock, h } from './dom.js';
import { icon } from './icons.js';
import { offerPlaylists } from './playlist_dialog.js';
import { attempt } from './sections.js';
import { openSignIn } from './sign_in.js';

/**
 * @import { Song } from '../api/types.js'
 * @import { App } from '../app.js'
 * @import { MenuItem } from './controls.js'
 * @import { Child } from './dom.js'
 *
 * @typedef {object} RowOptions
 * @property {(song: Song, index: number) => MenuItem[]} [menu] more items
 * @property {(song: Song, index: number) => Child | Child[]} [detail] in place of the genre
 * @property {(song: Song, index: number) => Child} [handle] before the row, to drag it
 */

/** @param {string} url @param {string} [className] */
export function cover(url, className = 'cover') {
  const image = h('img', { class: className, src: url, alt: '', loading: 'lazy', decoding: 'async' });
  image.addEventListener('error', () => image.classList.add('cover-missing'));
  return image;
}

/** @param {App} app @param {Song} song */
export function likeButton(app, song) {
  const element = iconButton('heart', '', async () => {
    if (!app.session.isSignedIn) return openSignIn(app);
    await attempt(() => app.likes.toggle(song));
  }, { class: 'like' });
  app.likes.learn(song._id);
  app.likes.ids.watch((ids) => {
    const isLiked = ids.has(song._id);
    element.setAttribute('aria-pressed', String(isLiked));
    relabel(element, isLiked ? 'liked' : 'heart', `${isLiked ? 'Unlike' : 'Like'} ${song.title}`);
  }, element);
  return element;
}

/** @param {App} app @param {Song} song @param {MenuItem[]} [more] */
export function songMenu(app, song, more = []) {
  return menuButton(`More for ${song.title}`, () => [
    { label: 'Play next', icon: 'next', run: () => enqueue(app, [song], true) },
    { label: 'Add to queue', icon: 'queue', run: () => enqueue(app, [song], false) },
    { label: 'Add to playlist', icon: 'playlist', run: () => offerPlaylists(app, song) },
    { label: 'Similar songs', icon: 'note', run: () => app.go(`/songs/${song._id}`) },
    { label: 'Artist', icon: 'artists', run: () => app.go(`/artists/${song.artistId}`) },
    ...(song.albumId ? [albumItem(app, song.albumId)] : []),
    ...more,
  ]);
}

/** @param {App} app @param {string} albumId @returns {MenuItem} */
function albumItem(app, albumId) {
  return { label: 'Album', icon: 'albums', run: () => app.go(`/albums/${albumId}`) };
}

/** @param {App} app @param {Song[]} songs @param {boolean} next */
export function enqueue(app, songs, next) {
  app.player.enqueue(songs, next);
  toast(next ? 'Plays next' : 'Added to the queue');
}

/**
 * Marks an element as playing while its song does, and names its button after what it does then.
 * @param {App} app
 * @param {Element} element
 * @param {Element} button
 * @param {Song} song
 */
function followPlaying(app, element, button, song) {
  app.player.state.watch(({ song: current, isPlaying }) => {
    const isCurrent = current?._id === song._id;
    element.classList.toggle('is-current', isCurrent);
    element.classList.toggle('is-playing', isCurrent && isPlaying);
    const action = isCurrent && isPlaying ? 'Pause' : 'Play';
    button.setAttribute('aria-label', `${action} ${song.title} by ${song.artistName}`);
  }, element);
}

/**
 * Plays the song in the midst of its list, or pauses it.
 * @param {App} app
 * @param {Song[]} songs
 * @param {number} index
 * @param {string} className
 * @param {...Child} children
 */
function playButton(app, songs, index, className, ...children) {
  const playOrPause = () => {
    const isCurrent = app.player.state.value.song?._id === songs[index]?._id;
    if (isCurrent) app.player.toggle();
    else app.player.play(songs, index);
  };
  return h('button', { type: 'button', class: className, onclick: playOrPause }, ...children);
}

/** @param {App} app @param {Song[]} songs @param {number} index @param {RowOptions} [options] */
export function songRow(app, songs, index, options = {}) {
  const song = /** @type {Song} */ (songs[index]);
  const state = h('span', { class: 'song-state' }, icon('play'), icon('pause'), h('span', { class: 'bars' }, h('i'), h('i'), h('i')));
  const play = playButton(app, songs, index, 'song-cover', cover(song.imageUrl), state);
  const row = h(
    'li',
    { class: 'song', data: { id: song._id } },
    options.handle?.(song, index),
    play,
    songText(song),
    h('div', { class: 'song-detail' }, options.detail?.(song, index) ?? tags(song)),
    likeButton(app, song),
    h('span', { class: 'song-duration' }, clock(song.duration)),
    songMenu(app, song, options.menu?.(song, index)),
  );
  followPlaying(app, row, play, song);
  return row;
}

/** Title and artist. Text of users has a direction of its own: in the wrong one it is cut at its beginning. @param {Song} song */
export function songText(song) {
  return h(
    'div',
    { class: 'song-text' },
    h('a', { class: 'song-title', dir: 'auto', href: `#/songs/${song._id}` }, song.title),
    h('a', { class: 'song-artist', dir: 'auto', href: `#/artists/${song.artistId}` }, song.artistName),
  );
}

/** @param {Song} song */
function tags(song) {
  return [
    !song.isPublic && h('span', { class: 'tag tag-private' }, 'private'),
    !song.isVisible && h('span', { class: 'tag tag-hidden' }, 'hidden'),
    song.genre && h('a', { class: 'tag', href: `#/genres/${encodeURIComponent(song.genre)}` }, song.genre),
    song.mood && h('span', { class: 'tag tag-mood' }, song.mood),
  ];
}

/** @param {App} app @param {Song[]} songs @param {RowOptions} [options] */
export function songList(app, songs, options) {
  return h('ol', { class: 'songs' }, songs.map((_, index) => songRow(app, songs, index, options)));
}

/** @param {App} app @param {Song[]} songs */
export function songCards(app, songs) {
  return h('ul', { class: 'cards' }, songs.map((song, index) => songCard(app, songs, song, index)));
}

/** @param {App} app @param {Song[]} songs @param {Song} song @param {number} index */
function songCard(app, songs, song, index) {
  const play = playButton(app, songs, index, 'card-play', icon('play'), icon('pause'));
  const card = h(
    'li',
    { class: 'card' },
    h(
      'div',
      { class: 'card-picture' },
      h('a', { href: `#/songs/${song._id}`, tabindex: -1, 'aria-hidden': 'true' }, cover(song.imageUrl)),
      play,
    ),
    h('a', { class: 'card-title', dir: 'auto', href: `#/songs/${song._id}` }, song.title),
    h('a', { class: 'card-subtitle', dir: 'auto', href: `#/artists/${song.artistId}` }, song.artistName),
  );
  followPlaying(app, card, play, song);
  return card;
}
