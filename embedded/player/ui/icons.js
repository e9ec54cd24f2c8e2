/** Line icons on a grid of 24, drawn for this player. */

import { svg } from './dom.js';

const STROKES = {
  home: 'M3 11.5 12 4l9 7.5M5.5 9.5V20h13V9.5M10 20v-6h4v6',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM16.2 16.2 21 21',
  albums: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z',
  artists: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20.5c.8-4 3.8-6 7.5-6s6.7 2 7.5 6',
  heart: 'M12 20S3.5 15.2 3.5 9.2A4.7 4.7 0 0 1 12 6.4a4.7 4.7 0 0 1 8.5 2.8C20.5 15.2 12 20 12 20Z',
  history: 'M4 12a8 8 0 1 0 2.6-5.9L4 8.5M4 4v4.5h4.5M12 8v4.5l3 2',
  playlist: 'M4 6h12M4 11h12M4 16h7M17 21a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM19.5 18.5V9.5l2 1',
  studio: 'M12 3a3.5 3.5 0 0 0-3.5 3.5v5a3.5 3.5 0 0 0 7 0v-5A3.5 3.5 0 0 0 12 3ZM5 11.5a7 7 0 0 0 14 0M12 18.5V22',
  shield: 'M12 3 4.5 6v5.5c0 4.6 3.1 8 7.5 9.5 4.4-1.5 7.5-4.9 7.5-9.5V6L12 3ZM8.5 12l2.5 2.5 4.5-5',
  next: 'M5 5v14l10-7L5 5ZM19 5v14',
  previous: 'M19 5v14L9 12l10-7ZM5 5v14',
  shuffle: 'M3 7h3.5L16 17h5M3 17h3.5l3-3.2M12.8 10.3 16 7h5M18.5 4.5 21 7l-2.5 2.5M18.5 14.5 21 17l-2.5 2.5',
  repeat: 'M4 11V9.5A3.5 3.5 0 0 1 7.5 6H20M17 3l3 3-3 3M20 13v1.5a3.5 3.5 0 0 1-3.5 3.5H4M7 21l-3-3 3-3',
  queue: 'M4 6h16M4 11h16M4 16h8M15 14.5v6l5-3-5-3Z',
  volume: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5H4ZM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11',
  muted: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5H4ZM16 9.5l5 5M21 9.5l-5 5',
  api: 'M8.5 7 3.5 12l5 5M15.5 7l5 5-5 5M13.5 4.5l-3 15',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  grip: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  share: 'M12 15V4M8 7.5 12 3.5l4 4M5 12.5V20h14v-7.5',
  people: 'M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM2.5 20c.6-3.6 3.2-5.5 6.5-5.5s5.9 1.9 6.5 5.5M16 5.3a3.5 3.5 0 0 1 0 6.4M18 14.9c2 .8 3.2 2.6 3.5 5.1',
  trash: 'M4 7h16M9.5 7V4h5v3M6.5 7l1 13.5h9l1-13.5M10.5 11v6M13.5 11v6',
  edit: 'M4 20l1-4.5L16.5 4 20 7.5 8.5 19 4 20ZM14 6.5 17.5 10',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z',
  hidden: 'M4 4l16 16M9.9 5.8A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a16 16 0 0 1-3 3.7M6.3 7.3A15.5 15.5 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 4-.9',
  download: 'M12 4.5V16M7.5 11.5 12 16l4.5-4.5M4.5 15v5h15v-5',
  upload: 'M12 16V5M7.5 9 12 4.5 16.5 9M4.5 15v5h15v-5',
  copy: 'M9 9h11v11H9V9ZM5 15H4V4h11v1',
  check: 'M5 12.5 10 17.5 19.5 7',
  warning: 'M12 4 2.5 20h19L12 4ZM12 10v4.5M12 17.5h.01',
  moon: 'M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5Z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M19 5l-1.4 1.4M6.4 17.6 5 19',
  screen: 'M3 5h18v11H3V5ZM8 20h8M12 16v4',
  keyboard: 'M2.5 6h19v12h-19V6ZM6 9.5h.01M10 9.5h.01M14 9.5h.01M18 9.5h.01M6 12h.01M18 12h.01M8 15h8M10 12h.01M14 12h.01',
  down: 'M5 9l7 7 7-7',
  leave: 'M14 4H5v16h9M10 12h11M17.5 8.5 21 12l-3.5 3.5',
  chart: 'M4 20h16M7 16v-5M12 16V5M17 16V9',
  note: 'M9 18V6l11-2v12M6.5 20.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM17.5 18.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
};
const SOLIDS = {
  play: 'M7 4.5v15a.8.8 0 0 0 1.2.7l12-7.5a.8.8 0 0 0 0-1.4l-12-7.5A.8.8 0 0 0 7 4.5Z',
  pause: 'M7 4h3.5v16H7V4ZM13.5 4H17v16h-3.5V4Z',
  liked: STROKES.heart,
};

/** @typedef {keyof typeof STROKES | keyof typeof SOLIDS} IconName */

/** Decoration: what it means is said by the text or label beside it. @param {IconName} name */
export function icon(name) {
  const solid = /** @type {Record<string, string>} */ (SOLIDS)[name];
  const path = solid ?? /** @type {Record<string, string>} */ (STROKES)[name] ?? '';
  const drawing = svg('path', { d: path });
  return svg('svg', { viewBox: '0 0 24 24', class: solid ? 'icon icon-solid' : 'icon', 'aria-hidden': 'true' }, drawing);
}
