/** A slider that shows how far it is. */

import { h } from './dom.js';

/**
 * @param {string} label
 * @param {{ max: number, step: number, spoken: (value: number) => string, oninput: (value: number) => void, onchange?: (value: number) => void }} options
 */
export function slider(label, { max, step, spoken, oninput, onchange }) {
  const input = h('input', { type: 'range', class: 'slider', min: 0, max, step, value: 0, 'aria-label': label });
  let isHeld = false;
  const paint = () => {
    const share = Number(input.max) > 0 ? Number(input.value) / Number(input.max) : 0;
    input.style.setProperty('--share', `${share * 100}%`);
    input.setAttribute('aria-valuetext', spoken(Number(input.value)));
  };
  input.addEventListener('pointerdown', () => (isHeld = true));
  input.addEventListener('input', () => {
    paint();
    oninput(Number(input.value));
  });
  input.addEventListener('change', () => {
    isHeld = false;
    onchange?.(Number(input.value));
  });
  addEventListener('pointerup', () => (isHeld = false));
  return {
    element: input,
    /** Shows a value, unless the listener is moving the slider. @param {number} value @param {number} [newMax] */
    show(value, newMax) {
      if (isHeld) return;
      if (newMax !== undefined) input.max = String(newMax);
      input.value = String(value);
      paint();
    },
  };
}
