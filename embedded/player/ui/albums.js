/** Albums and artists as cards. */

import { attempt } from './sections.js';
import { h } from './dom.js';
import { icon } from './icons.js';
import { cover } from './songs.js';

/**
 * @import { Album, Profile } from '../api/types.js'
 * @import { App } from '../app.js'
 */

/** @param {App} app @param {Album[]} albums */
export function albumCards(app, albums) {
  return h('ul', { class: 'cards' }, albums.map((album) => albumCard(app, album)));
}

/** @param {App} app @param {Album} album */
function albumCard(app, album) {
  const play = () =>
    attempt(async () => {
      const { value } = await app.api.albums.get(album._id);
      if (value.songs.length > 0) app.player.play(value.songs);
      else app.go(`/albums/${album._id}`);
    });
  return h(
    'li',
    { class: 'card' },
    h(
      'div',
      { class: 'card-picture' },
      h('a', { href: `#/albums/${album._id}`, tabindex: -1, 'aria-hidden': 'true' }, cover(album.imageUrl)),
      h(
        'button',
        { type: 'button', class: 'card-play', 'aria-label': `Play the album ${album.title}`, onclick: play },
        icon('play'),
      ),
    ),
    h('a', { class: 'card-title', dir: 'auto', href: `#/albums/${album._id}` }, album.title),
    h(
      'p',
      { class: 'card-subtitle' },
      h('a', { dir: 'auto', href: `#/artists/${album.creatorId}` }, album.creatorName),
      !album.isPublic && h('span', { class: 'tag tag-private' }, 'private'),
      !album.isVisible && h('span', { class: 'tag tag-hidden' }, 'hidden'),
    ),
  );
}

/** @param {Profile[]} artists */
export function artistCards(artists) {
  return h(
    'ul',
    { class: 'cards cards-round' },
    artists.map((artist) =>
      h(
        'li',
        { class: 'card' },
        h('div', { class: 'card-picture' }, h('a', { href: `#/artists/${artist._id}`, tabindex: -1, 'aria-hidden': 'true' }, cover(artist.imageUrl))),
        h('a', { class: 'card-title', dir: 'auto', href: `#/artists/${artist._id}` }, artist.fullName),
        h('p', { class: 'card-subtitle' }, 'Artist'),
      ),
    ),
  );
}
