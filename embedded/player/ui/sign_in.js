/** Signing in as somebody of the demo, or as somebody new: there are no passwords on this machine. */

import { button, field, openDialog, toast } from './controls.js';
import { h } from './dom.js';
import { attempt } from './sections.js';

/**
 * @import { App, DemoAccount } from '../app.js'
 * @import { Account } from '../session.js'
 */

export const BLOCKED = 'An admin has blocked this account: it may only look around.';

const FIRST_NAMES = ['Robin', 'Alex', 'Kim', 'Sascha', 'Noa', 'Jules', 'Charlie', 'Mika'];
const LAST_NAMES = ['Rivers', 'Okoye', 'Lang', 'Moreau', 'Sato', 'Lindgren', 'Novak', 'Ferrari'];

/** @param {App} app @returns {Promise<void>} */
export function openSignIn(app) {
  return openDialog(
    'Sign in',
    (close) => {
      let isSigningIn = false;
      /** @param {Account} account */
      const signIn = async (account) => {
        // A double click would make two accounts.
        if (isSigningIn) return;
        isSigningIn = true;
        const wentWell = await attempt(() => app.session.signIn(app.api, account));
        isSigningIn = false;
        if (!wentWell) return;
        close();
        if (app.user?.isBlocked) toast(BLOCKED, 'error');
        else toast(`Signed in as ${account.fullName}`);
      };
      return [
        h('p', { class: 'muted' }, 'Everything runs on your machine: no passwords, no e-mail.'),
        button('New account', () => signIn(newAccount()), { kind: 'primary', icon: 'plus', class: 'button button-primary button-wide' }),
        accountGroup('Listeners', 'listener', app.config.accounts, signIn),
        accountGroup('Artists', 'artist', app.config.accounts, signIn),
        accountGroup('Admin', 'admin', app.config.accounts, signIn),
        otherAccount(signIn),
      ];
    },
    { class: 'dialog-wide' },
  );
}

/**
 * @param {string} title
 * @param {DemoAccount['role']} role
 * @param {DemoAccount[]} accounts
 * @param {(account: Account) => void} signIn
 */
function accountGroup(title, role, accounts, signIn) {
  return h(
    'section',
    { class: 'accounts', 'aria-label': title },
    h('h3', null, title),
    h(
      'ul',
      null,
      accounts
        .filter((account) => account.role === role)
        .map(({ email, fullName }) =>
          h(
            'li',
            null,
            h(
              'button',
              { type: 'button', class: 'account', onclick: () => signIn({ email, fullName }) },
              h('span', { class: `initials initials-${role}`, 'aria-hidden': 'true' }, initials(fullName)),
              h('span', { class: 'account-text' }, h('strong', null, fullName), h('small', null, email)),
            ),
          ),
        ),
    ),
  );
}

/** @param {(account: Account) => void} signIn */
function otherAccount(signIn) {
  const name = h('input', { class: 'input', name: 'fullName', required: true, maxlength: 100, autocomplete: 'name' });
  const email = h('input', { class: 'input', name: 'email', type: 'email', required: true, autocomplete: 'email' });
  return h(
    'details',
    { class: 'other-account' },
    h('summary', null, 'Another e-mail address'),
    h(
      'form',
      {
        class: 'form',
        onsubmit: (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          signIn({ email: email.value.trim(), fullName: name.value.trim() });
        },
      },
      field('Name', name),
      field('E-mail', email),
      h('button', { type: 'submit', class: 'button button-primary' }, 'Sign in'),
    ),
  );
}

/** @returns {Account} */
function newAccount() {
  const pick = (/** @type {string[]} */ names) => /** @type {string} */ (names[Math.floor(Math.random() * names.length)]);
  const number = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const fullName = `${pick(FIRST_NAMES)} ${pick(LAST_NAMES)}`;
  return { fullName, email: `${fullName.toLowerCase().replace(' ', '.')}.${number.toString(36)}@demo.local` };
}

/** @param {string} name */
export function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : ''].map((word) => [...(word ?? '')][0] ?? '').join('');
}
