/** Shortcuts of a single key. They can be turned off, as speech control may press keys by accident (WCAG 2.1.4). */

import { remember, remembered } from '../preferences.js';
import { openDialog, toggleSwitch } from './controls.js';
import { h } from './dom.js';
import { attempt } from './sections.js';

/** @import { App } from '../app.js' */

const SEEK_SECONDS = 5;
const VOLUME_STEP = 0.1;
const SHORTCUTS = [
  ['Space', 'Play or pause'],
  ['← →', 'Back or forward 5 seconds'],
  ['N  P', 'Next or previous song'],
  ['↑ ↓', 'Volume'],
  ['M', 'Mute'],
  ['L', 'Like what is playing'],
  ['Q', 'Queue'],
  ['A', 'API panel'],
  ['/', 'Search'],
  ['?', 'This list'],
];

let areOn = remembered('shortcuts', true);

/**
 * @param {App} app
 * @param {{ toggleQueue: () => void, toggleApi: () => void }} panels
 */
export function connectKeyboard(app, { toggleQueue, toggleApi }) {
  const { player } = app;
  /** @type {Record<string, () => void>} */
  const actions = {
    ' ': () => player.toggle(),
    ArrowLeft: () => player.seek(player.audio.currentTime - SEEK_SECONDS),
    ArrowRight: () => player.seek(player.audio.currentTime + SEEK_SECONDS),
    ArrowUp: () => player.setVolume(player.audio.volume + VOLUME_STEP),
    ArrowDown: () => player.setVolume(player.audio.volume - VOLUME_STEP),
    n: () => player.next(),
    p: () => player.previous(),
    m: () => player.toggleMute(),
    l: () => {
      const { song } = player.state.value;
      if (song && app.session.isSignedIn) void attempt(() => app.likes.toggle(song));
    },
    q: toggleQueue,
    a: toggleApi,
    '/': () => document.getElementById('search')?.focus(),
    '?': () => void openShortcuts(),
  };
  addEventListener('keydown', (event) => {
    if (!areOn || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {Element} */ (event.target);
    if (document.querySelector('dialog[open]:not(.theatre)') || needsItsKeys(target, event.key)) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/** Whether the key means something to the focused control itself. @param {Element} target @param {string} key */
function needsItsKeys(target, key) {
  if (target.closest('input:not([type=range], [type=checkbox]), textarea, select, [role=menu]')) return true;
  if (key === ' ') return Boolean(target.closest('button, a, summary, input'));
  return key.startsWith('Arrow') && Boolean(target.closest('input, [data-drag], [role=tablist]'));
}

export function openShortcuts() {
  return openDialog('Keyboard shortcuts', () => [
    h(
      'dl',
      { class: 'shortcuts' },
      SHORTCUTS.map(([keys, meaning]) => h('div', null, h('dt', null, (keys ?? '').split(/\s+/).map((key) => h('kbd', null, key))), h('dd', null, meaning))),
    ),
    toggleSwitch('Use shortcuts', areOn, (isOn) => {
      areOn = isOn;
      remember('shortcuts', isOn);
    }),
  ]);
}
