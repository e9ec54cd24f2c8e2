/** Play, next, previous, seek and quality: in the bar and in the large view. */

import { iconButton, relabel, select } from './controls.js';
import { clock, h, spoken } from './dom.js';
import { slider } from './sliders.js';

/**
 * @import { App } from '../app.js'
 * @import { QualityChoice } from '../playback/quality.js'
 */

const KBPS = { low: '64', medium: '128', high: '320' };

/** @param {App} app */
export function transportButtons({ player }) {
  const play = iconButton('play', 'Play', () => player.toggle(), { class: 'play-button' });
  const previous = iconButton('previous', 'Previous', () => player.previous());
  const next = iconButton('next', 'Next', () => player.next());
  const shuffle = iconButton('shuffle', 'Shuffle what comes', () => player.shuffle(), { class: 'minor' });
  const repeat = iconButton('repeat', 'Repeat', () => player.cycleRepeat(), { class: 'minor' });
  player.state.watch(({ song, isPlaying, isWaiting }) => {
    relabel(play, isPlaying ? 'pause' : 'play', isPlaying ? 'Pause' : 'Play');
    play.classList.toggle('is-waiting', isWaiting);
    for (const each of [play, previous, next, shuffle, repeat]) each.toggleAttribute('disabled', !song);
  });
  player.queueChanged.watch(() => {
    const mode = player.queue.repeat;
    repeat.dataset.mode = mode;
    repeat.setAttribute('aria-label', `Repeat: ${mode}`);
    repeat.title = `Repeat: ${mode}`;
  });
  return h('div', { class: 'transport' }, shuffle, previous, play, next, repeat);
}

/** @param {App} app */
export function seekBar({ player }) {
  const now = h('span', { class: 'time' }, '0:00');
  const end = h('span', { class: 'time' }, '0:00');
  const seek = slider('Position in the song', {
    max: 1,
    step: 1,
    spoken: (value) => `${spoken(value)} of ${spoken(player.position.value.duration)}`,
    oninput: (value) => (now.textContent = clock(value)),
    onchange: (value) => player.seek(value),
  });
  let shown = -1;
  player.position.watch(({ seconds, duration }) => {
    const second = Math.floor(seconds) + duration * 10_000;
    if (second === shown) return;
    shown = second;
    seek.show(Math.floor(seconds), Math.max(1, Math.round(duration)));
    now.textContent = clock(seconds);
    end.textContent = clock(duration);
  });
  player.state.watch(({ song }) => (seek.element.disabled = !song));
  return h('div', { class: 'seek' }, now, seek.element, end);
}

/** @param {App} app */
export function qualityChoice({ player }) {
  const chosen = player.state.value.choice;
  const element = select(
    'Quality',
    [
      ['auto', 'Auto'],
      ['high', 'High · 320'],
      ['medium', 'Medium · 128'],
      ['low', 'Low · 64'],
    ],
    chosen,
    (value) => player.setQuality(/** @type {QualityChoice} */ (value)),
  );
  const auto = /** @type {HTMLOptionElement} */ (element.options[0]);
  player.state.watch(({ choice, quality, song }) => {
    if (element.value !== choice) element.value = choice;
    auto.textContent = choice === 'auto' && song ? `Auto · ${KBPS[quality]}` : 'Auto';
  });
  return element;
}

/** @param {App} app */
export function volumeControl({ player }) {
  const mute = iconButton('volume', 'Mute', () => player.toggleMute());
  const level = slider('Volume', {
    max: 100,
    step: 1,
    spoken: (value) => `${value} percent`,
    oninput: (value) => player.setVolume(value / 100),
  });
  player.volume.watch(({ level: loudness, isMuted }) => {
    level.show(isMuted ? 0 : Math.round(loudness * 100));
    relabel(mute, isMuted ? 'muted' : 'volume', isMuted ? 'Unmute' : 'Mute');
  });
  return h('div', { class: 'volume' }, mute, level.element);
}
