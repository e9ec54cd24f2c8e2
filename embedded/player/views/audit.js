/** The audit log in words. */

import { select } from '../ui/controls.js';
import { ago, fill, h } from '../ui/dom.js';
import { emptyState, paged } from '../ui/sections.js';

/**
 * @import { AuditEntry, AuditedKind } from '../api/types.js'
 * @import { App } from '../app.js'
 */

/** @type {Record<string, string | ((after: Record<string, unknown>) => string)>} others are shown as they are */
const ACTIONS = {
  'user.block': ({ isBlocked }) => (isBlocked ? 'blocked' : 'unblocked'),
  'user.role': ({ role }) => `made ${role}`,
  'user.delete': 'deleted',
  'account.delete': 'account deleted',
  'song.change': 'changed',
  'song.delete': 'deleted',
  'song.public': ({ isPublic }) => (isPublic ? 'made public' : 'made private'),
  'song.visible': ({ isVisible }) => (isVisible ? 'made visible' : 'hidden'),
  'album.change': 'changed',
  'album.delete': 'deleted',
  'album.order': 'reordered',
  'album.public': ({ isPublic }) => (isPublic ? 'made public' : 'made private'),
  'album.visible': ({ isVisible }) => (isVisible ? 'made visible' : 'hidden'),
};

/** @param {App} app */
export function auditLog(app) {
  const list = h('div');
  /** @param {AuditedKind} kind */
  const show = (kind) => {
    const naming = namesById(app, kind);
    /** @type {Map<string, string>} */
    let names = new Map();
    fill(
      list,
      paged(
        'rows',
        async (cursor) => {
          names = await naming;
          return app.api.admin.audit(kind, cursor);
        },
        (entries) => table(entries, names),
        () => emptyState('history', 'Nothing yet', 'Changes by admins and deleted accounts appear here.'),
      ),
    );
  };
  show('users');
  return [
    h('p', { class: 'filters' }, select('Changes of', [['users', 'Users'], ['songs', 'Songs'], ['albums', 'Albums']], 'users', (kind) => show(/** @type {AuditedKind} */ (kind)))),
    list,
  ];
}

/**
 * The names of the users, songs and albums in the first page of their lists: others keep their ids.
 * @param {App} app
 * @param {AuditedKind} kind
 * @returns {Promise<Map<string, string>>}
 */
async function namesById(app, kind) {
  const titled = { users: null, songs: () => app.api.admin.songs(), albums: () => app.api.admin.albums() }[kind];
  try {
    const [users, things] = await Promise.all([app.api.admin.users(), titled?.()]);
    return new Map([
      ...users.items.map((user) => /** @type {const} */ ([user._id, user.fullName])),
      ...(things?.items ?? []).map((thing) => /** @type {const} */ ([thing._id, thing.title])),
    ]);
  } catch {
    return new Map();
  }
}

/** @param {AuditEntry[]} entries @param {Map<string, string>} names */
function table(entries, names) {
  return h(
    'div',
    { class: 'table-box', tabindex: 0, role: 'group', 'aria-label': 'Audit log' },
    h(
      'table',
      { class: 'table' },
      h('thead', null, h('tr', null, ['When', 'Action', 'By', 'Target', 'Before', 'After'].map((name) => h('th', { scope: 'col' }, name)))),
      h(
        'tbody',
        null,
        entries.map((entry) =>
          h(
            'tr',
            null,
            h('td', null, h('time', { datetime: entry.at, title: entry.at }, ago(entry.at))),
            h('td', null, h('span', { class: 'tag', title: entry.action }, happened(entry))),
            named(entry.actorId, names),
            named(entry.targetId, names),
            h('td', { class: 'mono' }, shown(entry.before)),
            h('td', { class: 'mono' }, shown(entry.after)),
          ),
        ),
      ),
    ),
  );
}

/** @param {AuditEntry} entry */
function happened({ action, after }) {
  const words = ACTIONS[action];
  if (typeof words === 'string') return words;
  // Without `after` the outcome is unknown.
  return (after && words?.(after)) ?? action.replace(/^\w+\./, '').replaceAll('_', ' ');
}

/** @param {string} id @param {Map<string, string>} names */
function named(id, names) {
  const name = names.get(id);
  return h('td', { class: name ? null : 'mono', title: id }, name ?? id);
}

/** @param {Record<string, unknown> | null} values */
function shown(values) {
  return values ? Object.entries(values).map(([name, value]) => `${name}: ${String(value)}`).join(', ') : '—';
}
