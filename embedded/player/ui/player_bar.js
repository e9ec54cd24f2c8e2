/** The bar at the foot of the page. */

import { announce, iconButton, toast } from './controls.js';
import { fill, h } from './dom.js';
import { cover, likeButton, songText } from './songs.js';
import { qualityChoice, seekBar, transportButtons, volumeControl } from './transport_controls.js';

/** @import { App } from '../app.js' */

/**
 * @param {App} app
 * @param {{ toggleQueue: (opener: HTMLElement) => void, openNowPlaying: () => void }} actions
 */
export function playerBar(app, { toggleQueue, openNowPlaying }) {
  const song = h('div', { class: 'bar-song' });
  const queue = iconButton('queue', 'Queue', () => toggleQueue(queue), { 'aria-expanded': 'false', class: 'bar-queue' });
  const bar = h(
    'section',
    { class: 'bar', 'aria-label': 'Player' },
    song,
    h('div', { class: 'bar-middle' }, transportButtons(app), seekBar(app)),
    h('div', { class: 'bar-end' }, qualityChoice(app), queue, volumeControl(app)),
  );
  /** @type {string | undefined} */
  let shown;
  /** @type {string | null} */
  let problem = null;
  app.player.state.watch((state) => {
    bar.classList.toggle('is-empty', !state.song);
    if (state.problem && state.problem !== problem) toast(state.problem, 'error');
    problem = state.problem;
    if (shown === state.song?._id && shown !== undefined) return;
    shown = state.song?._id;
    if (!state.song) {
      fill(song, h('span', { class: 'bar-idle muted' }, 'Choose something to play'));
      return;
    }
    if (state.isWaiting) announce(`Playing ${state.song.title} by ${state.song.artistName}`);
    fill(
      song,
      h('button', { type: 'button', class: 'bar-cover', 'aria-label': 'Open the large view', onclick: openNowPlaying }, cover(state.song.imageUrl)),
      songText(state.song),
      likeButton(app, state.song),
    );
  });
  return bar;
}
