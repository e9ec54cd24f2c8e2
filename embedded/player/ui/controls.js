/** Buttons, menus, dialogs and messages. */

import { fill, h } from './dom.js';
import { icon } from './icons.js';

/**
 * @import { Child } from './dom.js'
 * @import { IconName } from './icons.js'
 *
 * @typedef {{ label: string, icon?: IconName, run: () => void, isDangerous?: boolean }} MenuItem
 */

/**
 * A round button with an icon only; `label` is what it does.
 * @param {IconName} name
 * @param {string} label
 * @param {(event: MouseEvent) => void} onclick
 * @param {Record<string, any>} [more]
 */
export function iconButton(name, label, onclick, more = {}) {
  const { class: extra = '', ...rest } = more;
  return h(
    'button',
    { type: 'button', class: `icon-button ${extra}`, 'aria-label': label, title: label, onclick, ...rest },
    icon(name),
  );
}

/**
 * @param {string} text
 * @param {(event: MouseEvent) => void} onclick
 * @param {{ icon?: IconName, kind?: 'primary' | 'plain' | 'danger', [more: string]: any }} [more]
 */
export function button(text, onclick, { icon: name, kind = 'plain', ...more } = {}) {
  return h(
    'button',
    { type: 'button', class: `button button-${kind}`, onclick, ...more },
    name && icon(name),
    h('span', null, text),
  );
}

/** Changes what an icon button shows and says. @param {HTMLElement} element @param {IconName} name @param {string} label */
export function relabel(element, name, label) {
  if (element.getAttribute('aria-label') === label) return;
  element.setAttribute('aria-label', label);
  element.title = label;
  fill(element, icon(name));
}

let menus = 0;

/**
 * A button that opens a menu; its items are computed each time.
 * @param {string} label
 * @param {() => MenuItem[]} items
 * @param {IconName} [name]
 */
export function menuButton(label, items, name = 'more') {
  const id = `menu-${(menus += 1)}`;
  const openMenu = () => /** @type {HTMLElement | null} */ (document.querySelector(`#${id}:popover-open`));
  let wasOpen = false;
  const opener = iconButton(
    name,
    label,
    ({ detail: clicks }) => {
      // The press of this click has closed an open menu already, as every press outside does.
      const wasClosed = clicks > 0 && wasOpen;
      if (openMenu()) openMenu()?.hidePopover();
      else if (!wasClosed) open();
    },
    { 'aria-haspopup': 'menu', 'aria-expanded': 'false', onpointerdown: () => (wasOpen = openMenu() !== null) },
  );
  const open = () => {
    const menu = h('div', { id, class: 'menu', role: 'menu', popover: 'auto', 'aria-label': label });
    for (const item of items()) {
      const run = () => {
        menu.hidePopover();
        item.run();
      };
      menu.append(
        h(
          'button',
          { type: 'button', role: 'menuitem', tabindex: -1, class: item.isDangerous ? 'menu-danger' : '', onclick: run },
          item.icon && icon(item.icon),
          item.label,
        ),
      );
    }
    menu.addEventListener('keydown', moveFocus);
    menu.addEventListener('toggle', (event) => {
      if (/** @type {ToggleEvent} */ (event).newState !== 'closed') return;
      opener.setAttribute('aria-expanded', 'false');
      if (menu.contains(document.activeElement)) opener.focus();
      menu.remove();
    });
    // Inside an open dialog, or the menu could not be reached.
    (opener.closest('dialog') ?? document.body).append(menu);
    menu.showPopover();
    place(menu, opener);
    opener.setAttribute('aria-expanded', 'true');
    /** @type {HTMLElement | null} */ (menu.firstElementChild)?.focus();
  };
  return opener;
}

/** @param {KeyboardEvent} event */
function moveFocus(event) {
  const menu = /** @type {HTMLElement} */ (event.currentTarget);
  const items = /** @type {HTMLElement[]} */ ([...menu.children]);
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const targets = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
  const target = targets[event.key];
  if (event.key === 'Tab') menu.hidePopover();
  if (target === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  items.at(target % items.length)?.focus();
}

/** @param {HTMLElement} menu @param {HTMLElement} opener */
function place(menu, opener) {
  const anchor = opener.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const gap = 6;
  const isRoomBelow = anchor.bottom + gap + height < innerHeight;
  const left = Math.min(innerWidth - width - gap, Math.max(gap, anchor.right - width));
  menu.style.left = `${left}px`;
  menu.style.top = `${isRoomBelow ? anchor.bottom + gap : Math.max(gap, anchor.top - gap - height)}px`;
}

/**
 * Opens a dialog; resolves when it is closed.
 * @param {string} title
 * @param {(close: () => void) => Child | Child[]} content
 * @param {{ class?: string }} [more]
 * @returns {Promise<void>}
 */
export function openDialog(title, content, more = {}) {
  return new Promise((resolve) => {
    const dialog = h('dialog', { class: `dialog ${more.class ?? ''}`, 'aria-labelledby': 'dialog-title' });
    const close = () => dialog.close();
    fill(
      dialog,
      h('header', { class: 'dialog-head' }, h('h2', { id: 'dialog-title' }, title), iconButton('close', 'Close', close)),
      h('div', { class: 'dialog-body' }, content(close)),
    );
    /** @type {EventTarget | null} */
    let pressed = null;
    dialog.addEventListener('pointerdown', (event) => (pressed = event.target));
    dialog.addEventListener('click', (event) => {
      // On the backdrop; a selection of text that only ends there began elsewhere.
      if (event.target === dialog && pressed === dialog) close();
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * @param {string} question
 * @param {string} explanation
 * @param {string} action what the button says
 * @returns {Promise<boolean>}
 */
export async function confirmed(question, explanation, action) {
  let isConfirmed = false;
  await openDialog(question, (close) => [
    h('p', null, explanation),
    h(
      'div',
      { class: 'dialog-actions' },
      button('Cancel', close),
      button(
        action,
        () => {
          isConfirmed = true;
          close();
        },
        { kind: 'danger' },
      ),
    ),
  ]);
  return isConfirmed;
}

/**
 * A short message at the edge of the page, read out by screen readers.
 * @param {string} text
 * @param {'info' | 'error'} [kind]
 */
export function toast(text, kind = 'info') {
  const region = document.getElementById('toasts');
  const message = h(
    'div',
    { class: `toast toast-${kind}` },
    icon(kind === 'error' ? 'warning' : 'check'),
    h('span', null, text),
    iconButton('close', 'Dismiss', () => message.remove()),
  );
  region?.append(message);
  // A modal dialog makes everything below it inert; a popover lies above.
  if (region && !region.matches(':popover-open')) region.showPopover();
  setTimeout(() => message.remove(), kind === 'error' ? 8000 : 4000);
}

/** Says something to screen readers only. @param {string} text */
export function announce(text) {
  const region = document.getElementById('announcer');
  if (region) region.textContent = text;
}

/**
 * A labelled field.
 * @param {string} label
 * @param {HTMLElement} control
 * @param {string} [hint]
 */
export function field(label, control, hint) {
  return h('label', { class: 'field' }, h('span', { class: 'field-label' }, label), control, hint && h('small', null, hint));
}

/**
 * A switch; `onchange` says the state that is wanted.
 * @param {string} label
 * @param {boolean} isOn
 * @param {(isOn: boolean) => void} onchange
 * @param {string} [accessibleName] when `label` alone does not say what is switched
 */
export function toggleSwitch(label, isOn, onchange, accessibleName) {
  const input = h('input', {
    type: 'checkbox',
    role: 'switch',
    checked: isOn,
    'aria-label': accessibleName,
    onchange: () => onchange(input.checked),
  });
  return h('label', { class: 'switch' }, input, h('span', null, label));
}

/**
 * A choice among few.
 * @param {string} label
 * @param {[string, string][]} options value and text
 * @param {string} value
 * @param {(value: string) => void} onchange
 */
export function select(label, options, value, onchange) {
  const element = h(
    'select',
    { class: 'select', 'aria-label': label, onchange: () => onchange(element.value) },
    options.map(([each, text]) => h('option', { value: each, selected: each === value }, text)),
  );
  return element;
}
