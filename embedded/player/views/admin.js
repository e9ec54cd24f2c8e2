import { button, confirmed, select, toggleSwitch } from '../ui/controls.js';
import { fill, h } from '../ui/dom.js';
import { attempt, emptyState, paged } from '../ui/sections.js';
import { cover } from '../ui/songs.js';
import { tabs } from '../ui/tabs.js';
import { auditLog } from './audit.js';

/**
 * @import { Album, Role, Song, User } from '../api/types.js'
 * @import { App } from '../app.js'
 */

/** @type {[string, string][]} */
const ROLES = [
  ['user', 'user'],
  ['artist', 'artist'],
  ['admin', 'admin'],
];
const PAUSE_MILLISECONDS = 250;

/** @param {App} app @param {string} [tab] */
export function adminPage(app, tab = 'users') {
  if (!app.isAdmin) return h('div', { class: 'page' }, h('h1', null, 'Admin'), emptyState('shield', 'For admins', 'Sign in as one.'));
  return h(
    'div',
    { class: 'page' },
    h('h1', null, 'Admin'),
    tabs('Admin', '/admin', tab, [
      ['users', 'Users', () => users(app)],
      ['songs', 'Songs', () => songs(app)],
      ['albums', 'Albums', () => albums(app)],
      ['audit', 'Audit log', () => auditLog(app)],
    ]),
  );
}

/** @param {App} app */
function users(app) {
  const list = h('div');
  const filters = { q: '', role: '', isBlocked: '' };
  const show = () => {
    const query = { q: filters.q, role: filters.role, ...(filters.isBlocked && { isBlocked: filters.isBlocked === 'true' }) };
    fill(
      list,
      paged(
        'rows',
        (cursor) => app.api.admin.users({ ...query, cursor }),
        (found, reload) => h('ul', { class: 'rows' }, found.map((user) => userRow(app, user, reload))),
        () => emptyState('people', 'Nobody', 'No account matches.'),
      ),
    );
  };
  const q = h('input', { class: 'input', type: 'search', placeholder: 'Name or e-mail', 'aria-label': 'Find users' });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  q.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      filters.q = q.value.trim();
      show();
    }, PAUSE_MILLISECONDS);
  });
  show();
  return [
    h(
      'div',
      { class: 'filters' },
      q,
      select('Role', [['', 'Every role'], ...ROLES], '', (role) => {
        filters.role = role;
        show();
      }),
      select('State', [['', 'Blocked or not'], ['false', 'Not blocked'], ['true', 'Blocked']], '', (isBlocked) => {
        filters.isBlocked = isBlocked;
        show();
      }),
    ),
    list,
  ];
}

/** @param {App} app @param {User} user @param {() => void} reload */
function userRow(app, user, reload) {
  const isMe = user._id === app.user?._id;
  const role = select(`Role of ${user.fullName}`, ROLES, user.role, async (chosen) => {
    await attempt(() => app.api.admin.setRole(user._id, /** @type {Role} */ (chosen)), `${user.fullName} is now ${chosen}`);
    reload();
  });
  role.disabled = isMe;
  const blocked = toggleSwitch('Blocked', user.isBlocked, async (isBlocked) => {
    await attempt(() => app.api.admin.setBlocked(user._id, isBlocked), `${user.fullName} is ${isBlocked ? 'blocked' : 'free again'}`);
    reload();
  }, `${user.fullName} is blocked`);
  if (isMe) blocked.querySelector('input')?.setAttribute('disabled', '');
  return h(
    'li',
    { class: 'row', data: { id: user._id } },
    h('img', { class: 'avatar', src: user.imageUrl, alt: '', loading: 'lazy' }),
    h('div', { class: 'song-text' }, h('a', { class: 'song-title', href: `#/artists/${user._id}` }, user.fullName), h('span', { class: 'song-artist' }, user.email)),
    role,
    blocked,
    button(
      'Delete',
      async () => {
        const isSure = await confirmed(`Delete ${user.fullName}?`, 'The account is gone at once.', 'Delete');
        if (isSure && (await attempt(() => app.api.admin.removeUser(user._id), `${user.fullName} is deleted`))) reload();
      },
      { kind: 'danger', icon: 'trash', disabled: isMe, 'aria-label': `Delete ${user.fullName}` },
    ),
  );
}

/** @param {App} app */
function songs(app) {
  return paged(
    'rows',
    (cursor) => app.api.admin.songs(cursor),
    (found) =>
      h('ul', { class: 'rows' }, found.map((song) => visibleRow(song, `#/songs/${song._id}`, song.artistName, (isVisible) => app.api.admin.setSongVisible(song._id, isVisible)))),
    () => emptyState('note', 'No songs', 'Nobody has uploaded anything yet.'),
  );
}

/** @param {App} app */
function albums(app) {
  return paged(
    'rows',
    (cursor) => app.api.admin.albums(cursor),
    (found) =>
      h('ul', { class: 'rows' }, found.map((album) => visibleRow(album, `#/albums/${album._id}`, album.creatorName, (isVisible) => app.api.admin.setAlbumVisible(album._id, isVisible)))),
    () => emptyState('albums', 'No albums', 'Nobody has made one yet.'),
  );
}

/**
 * @param {Song | Album} thing
 * @param {string} href
 * @param {string} by
 * @param {(isVisible: boolean) => Promise<unknown>} change
 */
function visibleRow(thing, href, by, change) {
  const toggle = toggleSwitch('Visible', thing.isVisible, async (isVisible) => {
    const isDone = await attempt(() => change(isVisible), `${thing.title} is ${isVisible ? 'visible again' : 'hidden from everybody else'}`);
    const input = toggle.querySelector('input');
    if (!isDone && input) input.checked = !isVisible;
  }, `${thing.title} is visible`);
  return h(
    'li',
    { class: 'row', data: { id: thing._id } },
    cover(thing.imageUrl),
    h('div', { class: 'song-text' }, h('a', { class: 'song-title', href }, thing.title), h('span', { class: 'song-artist' }, by)),
    !thing.isPublic && h('span', { class: 'tag tag-private' }, 'private'),
    toggle,
  );
}
