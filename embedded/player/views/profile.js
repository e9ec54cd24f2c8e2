import { button, confirmed, toast } from '../ui/controls.js';
import { h, roleName } from '../ui/dom.js';
import { attempt, emptyState } from '../ui/sections.js';
import { BLOCKED, openSignIn } from '../ui/sign_in.js';
import { cover } from '../ui/songs.js';

/** @import { App } from '../app.js' */

/** @param {App} app */
export function profilePage(app) {
  const user = app.user;
  if (!user) {
    return h('div', { class: 'page' }, h('h1', null, 'Profile'), emptyState('artists', 'Nobody is signed in', 'Choose an account first.', button('Sign in', () => openSignIn(app), { kind: 'primary' })));
  }
  const link = `${location.origin}/#/artists/${user._id}`;
  return h(
    'div',
    { class: 'page' },
    h(
      'header',
      { class: 'banner' },
      cover(user.imageUrl, 'banner-cover banner-round'),
      h(
        'div',
        { class: 'banner-text' },
        h('p', { class: 'crumb' }, roleName(user.role)),
        h('h1', null, user.fullName),
        h('p', { class: 'banner-facts' }, h('span', null, user.email)),
        user.isBlocked && h('p', { class: 'notice' }, BLOCKED),
      ),
    ),
    h(
      'section',
      { class: 'settings', 'aria-label': 'Account' },
      setting(
        'Profile link',
        'Give it to anyone who wants to make a playlist with you.',
        button('Copy', async () => {
          await navigator.clipboard.writeText(link);
          toast('The link is copied');
        }, { icon: 'copy' }),
      ),
      setting('Your data', 'Everything that the services store about you, as one JSON file.', button('Download', () => attempt(() => download(app)), { icon: 'download' })),
      setting('Leave', 'Deletes the account with everything in it.', button('Delete account', () => leave(app), { kind: 'danger', icon: 'trash' })),
    ),
  );
}

/** @param {string} title @param {string} text @param {Node} action */
function setting(title, text, action) {
  return h('div', { class: 'setting' }, h('div', null, h('h2', null, title), h('p', { class: 'muted' }, text)), action);
}

/** @param {App} app */
async function download(app) {
  const blob = new Blob([await app.api.users.exported()], { type: 'application/json' });
  const link = h('a', { href: URL.createObjectURL(blob), download: 'my-data.json' });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** @param {App} app */
async function leave(app) {
  const isSure = await confirmed('Delete your account?', 'Likes, history, playlists and uploads go with it. There is no way back.', 'Delete account');
  if (!isSure || !(await attempt(() => app.api.users.leave(), 'The account is deleted'))) return;
  app.session.signOut();
  app.go('/');
}
