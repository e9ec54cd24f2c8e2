/** The large view of what is playing. */

import { iconButton } from './controls.js';
import { fill, h } from './dom.js';
import { cover, likeButton } from './songs.js';
import { qualityChoice, seekBar, transportButtons, volumeControl } from './transport_controls.js';

/** @import { App } from '../app.js' */

/** @param {App} app */
export function nowPlaying(app) {
  const picture = h('div', { class: 'theatre-cover' });
  const backdrop = h('div', { class: 'theatre-backdrop', 'aria-hidden': 'true' });
  const names = h('div', { class: 'theatre-names' });
  const element = h(
    'dialog',
    { class: 'theatre', 'aria-label': 'Now playing' },
    backdrop,
    iconButton('down', 'Close the large view', () => element.close(), { class: 'theatre-close' }),
    h(
      'div',
      { class: 'theatre-body' },
      picture,
      h('div', { class: 'theatre-side' }, names, seekBar(app), transportButtons(app), h('div', { class: 'theatre-end' }, qualityChoice(app), volumeControl(app))),
    ),
  );
  app.player.state.watch(({ song }) => {
    if (!song) {
      element.close();
      return;
    }
    if (element.dataset.song === song._id) return;
    element.dataset.song = song._id;
    fill(picture, cover(song.imageUrl));
    fill(backdrop, cover(song.imageUrl));
    fill(
      names,
      h('div', null, h('h2', { dir: 'auto' }, song.title), h('p', { dir: 'auto' }, song.artistName)),
      likeButton(app, song),
    );
  });
  return { element, open: () => element.showModal() };
}
