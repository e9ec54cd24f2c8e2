/** Light, dark, or as the system has it. */

import { remember, remembered } from '../preferences.js';
import { iconButton, relabel } from './controls.js';

/** @import { IconName } from './icons.js' */

/** @typedef {'system' | 'light' | 'dark'} Theme */

/** @type {Record<Theme, { next: Theme, icon: IconName, label: string }>} */
const THEMES = {
  system: { next: 'light', icon: 'screen', label: 'Theme: as the system' },
  light: { next: 'dark', icon: 'sun', label: 'Theme: light' },
  dark: { next: 'system', icon: 'moon', label: 'Theme: dark' },
};

export function themeButton() {
  /** @type {Theme} */
  let theme = remembered('theme', /** @type {Theme} */ ('system'));
  const show = () => {
    document.documentElement.dataset.theme = theme;
    relabel(element, THEMES[theme].icon, THEMES[theme].label);
  };
  const element = iconButton('screen', 'Theme', () => {
    theme = THEMES[theme].next;
    remember('theme', theme);
    show();
  });
  show();
  return element;
}
