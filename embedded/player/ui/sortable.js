/** A list whose order is changed by dragging a handle, with mouse, pen or finger, or with the arrow keys on it. */

import { announce, iconButton } from './controls.js';

/**
 * The handle of a row; the rows are the children of the row's parent.
 * @param {string} name what is moved
 * @param {(from: number, to: number) => void} moved after the row stands where it was dropped
 */
export function dragHandle(name, moved) {
  const handle = iconButton('grip', `Move ${name}`, () => {}, { class: 'grip', data: { drag: '' } });
  const row = () => /** @type {HTMLElement} */ (handle.closest('li'));
  const rows = () => /** @type {HTMLElement[]} */ ([...(row().parentElement?.children ?? [])]);

  handle.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    handle.focus();
    const from = rows().indexOf(row());
    const dragging = new AbortController();
    row().classList.add('is-dragged');
    /** @param {PointerEvent} now */
    const follow = (now) => {
      const others = rows().filter((each) => each !== row());
      const before = others.find((each) => {
        const { top, height } = each.getBoundingClientRect();
        return now.clientY < top + height / 2;
      });
      if (before !== row().nextElementSibling) row().parentElement?.insertBefore(row(), before ?? null);
    };
    const finish = () => {
      dragging.abort();
      row().classList.remove('is-dragged');
      const to = rows().indexOf(row());
      if (to !== from) settle(from, to);
    };
    // Not captured by the handle: an element that is moved within the page loses the pointer.
    addEventListener('pointermove', follow, { signal: dragging.signal });
    addEventListener('pointerup', finish, { signal: dragging.signal });
    addEventListener('pointercancel', finish, { signal: dragging.signal });
  });

  handle.addEventListener('keydown', (event) => {
    const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
    if (!step) return;
    event.preventDefault();
    const from = rows().indexOf(row());
    const to = from + step;
    if (to < 0 || to >= rows().length) return;
    const neighbour = rows()[to];
    if (step < 0) neighbour?.before(row());
    else neighbour?.after(row());
    handle.focus();
    settle(from, to);
  });

  /** @param {number} from @param {number} to */
  const settle = (from, to) => {
    announce(`${name}: place ${to + 1} of ${rows().length}`);
    moved(from, to);
  };
  return handle;
}
