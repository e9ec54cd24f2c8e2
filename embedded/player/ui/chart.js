/** A bar chart: drawn for eyes, and a table for screen readers. */

import { h, svg } from './dom.js';

const WIDTH = 1080;
const HEIGHT = 220;
const LEFT = 34;
const BOTTOM = 22;
const TOP = 8;

/**
 * @param {{ label: string, value: number }[]} points
 * @param {string} name of what is counted
 */
export function barChart(points, name) {
  const most = niceMaximum(Math.max(0, ...points.map(({ value }) => value)));
  const total = points.reduce((sum, { value }) => sum + value, 0);
  const step = (WIDTH - LEFT) / Math.max(1, points.length);
  const high = HEIGHT - BOTTOM - TOP;
  /** @param {number} value */
  const y = (value) => TOP + high * (1 - value / most);
  const lines = [0, most / 2, most].flatMap((value) => [
    svg('line', { x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value), class: 'chart-line' }),
    text(LEFT - 6, y(value) + 4, String(value), 'end'),
  ]);
  const bars = points.map(({ label, value }, index) => {
    const bar = svg('rect', {
      x: LEFT + index * step + step * 0.15,
      width: step * 0.7,
      y: y(value),
      height: Math.max(value > 0 ? 2 : 0, y(0) - y(value)),
      rx: Math.min(3, step * 0.2),
      class: 'chart-bar',
    });
    const title = svg('title', {});
    title.textContent = `${dayOf(label)}: ${value}`;
    bar.append(title);
    return bar;
  });
  const every = Math.ceil(points.length / 6);
  const days = points.flatMap(({ label }, index) =>
    index % every === 0 ? [text(LEFT + index * step + step / 2, HEIGHT - 6, dayOf(label), index === 0 ? 'start' : 'middle')] : [],
  );
  return h(
    'figure',
    { class: 'chart' },
    svg(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `${name} per day: ${total} in ${points.length} days` },
      ...lines,
      ...bars,
      ...days,
    ),
    h(
      'details',
      null,
      h('summary', null, 'As a table'),
      h(
        'div',
        { class: 'table-box table-low', tabindex: 0, role: 'group', 'aria-label': `${name} per day` },
        h('table', { class: 'table' }, h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Day'), h('th', { scope: 'col', class: 'number' }, name))), h('tbody', null, points.map(({ label, value }) => h('tr', null, h('th', { scope: 'row' }, dayOf(label)), h('td', { class: 'number' }, value))))),
      ),
    ),
  );
}

/** @param {number} x @param {number} y @param {string} content @param {string} anchor */
function text(x, y, content, anchor) {
  const element = svg('text', { x, y, 'text-anchor': anchor, class: 'chart-text' });
  element.textContent = content;
  return element;
}

/** @param {string} date YYYY-MM-DD, a day in UTC */
function dayOf(date) {
  return new Date(`${date}T00:00:00Z`).toLocaleDateString('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
}

/** The next number that is even and short: 8, 14, 30, 600. @param {number} value */
function niceMaximum(value) {
  if (value <= 20) return Math.max(2, Math.ceil(value / 2) * 2);
  const power = 10 ** Math.floor(Math.log10(value));
  return Math.ceil(value / power) * power;
}
