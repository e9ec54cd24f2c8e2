/** What plays, and what comes next. */

import { announce, button, iconButton } from './controls.js';
import { clock, fill, h } from './dom.js';
import { emptyState, keepFocus } from './sections.js';
import { dragHandle } from './sortable.js';
import { cover } from './songs.js';

/**
 * @import { Song } from '../api/types.js'
 * @import { App } from '../app.js'
 */

/** @param {App} app @param {() => void} close */
export function queuePanel(app, close) {
  const { player } = app;
  const body = h('div', { class: 'side-body' });
  const element = h(
    'div',
    { class: 'side-content' },
    h('header', { class: 'side-head' }, h('h2', { tabindex: -1 }, 'Queue'), button('Clear', () => player.clear()), iconButton('close', 'Close the queue', close)),
    body,
  );
  /** The row and the control in it that get the focus after a change. @type {[number, string] | null} */
  let focused = null;
  player.queueChanged.watch(() => {
    const { songs, index } = player.queue;
    if (songs.length === 0) {
      fill(body, emptyState('queue', 'Nothing in the queue', 'Play a song or an album, or add one from its menu.'));
      return;
    }
    const list = h('ol', { class: 'queue' }, songs.map((song, at) => row(song, at, at === index)));
    keepFocus(body, () => fill(body, list));
    if (focused) {
      const [at, control] = focused;
      /** @type {HTMLElement | null | undefined} */ ((list.children[at] ?? list.lastElementChild)?.querySelector(control))?.focus();
    }
    focused = null;
  });

  /** @param {Song} song @param {number} at @param {boolean} isCurrent */
  function row(song, at, isCurrent) {
    return h(
      'li',
      { class: `queued ${isCurrent ? 'is-current' : ''}`, 'aria-current': isCurrent ? 'true' : null },
      dragHandle(song.title, (from, to) => {
        focused = [to, '.grip'];
        player.move(from, to);
      }),
      h(
        'button',
        { type: 'button', class: 'queued-play', onclick: () => player.jump(at), 'aria-label': `Play ${song.title}` },
        cover(song.imageUrl),
        h('span', { class: 'song-text' }, h('span', { class: 'song-title' }, song.title), h('span', { class: 'song-artist' }, song.artistName)),
      ),
      h('span', { class: 'song-duration' }, clock(song.duration)),
      isCurrent ? h('span', { class: 'grip-space' }) : removal(song, at),
    );
  }
  /** @param {Song} song @param {number} at */
  function removal(song, at) {
    return iconButton('close', `Remove ${song.title} from the queue`, () => {
      // That of the next song, else its last button, if it cannot be removed.
      focused = [at, 'button:last-of-type'];
      player.remove(at);
      announce(`${song.title} is removed from the queue`);
    });
  }
  return { element, label: 'Queue', opened: () => {} };
}
