/** What the creator of an album or playlist can do with it, and what collaborators can. */

import { button, confirmed, field, iconButton, menuButton, openDialog, toast } from './controls.js';
import { fill, h, plural } from './dom.js';
import { attempt, emptyState, loaded } from './sections.js';

/**
 * @import { AlbumWithSongs, Profile } from '../api/types.js'
 * @import { App } from '../app.js'
 */

const OBJECT_ID = /[0-9a-f]{24}/;

/** @param {App} app @param {AlbumWithSongs} album @param {boolean} isOwner @param {() => void} reload */
export function albumActions(app, album, isOwner, reload) {
  return h(
    'div',
    { class: 'inline' },
    isOwner && button('Share', () => openShare(app, album), { icon: 'share' }),
    isOwner && button('Collaborators', () => openCollaborators(app, album, reload), { icon: 'people' }),
  );
}

/** @param {App} app @param {AlbumWithSongs} album @param {boolean} isOwner @param {() => void} reload */
export function albumMenu(app, album, isOwner, reload) {
  const mine = app.user?._id ?? '';
  return menuButton(`More for ${album.title}`, () =>
    isOwner
      ? [
          { label: 'Rename', icon: 'edit', run: () => openRename(app, album, reload) },
          ...(app.isArtist
            ? [
                {
                  label: album.isPublic ? 'Make private' : 'Make public',
                  icon: /** @type {const} */ ('eye'),
                  run: async () => {
                    if (await attempt(() => app.api.albums.setPublic(album._id, !album.isPublic))) reload();
                  },
                },
              ]
            : []),
          { label: 'Delete', icon: 'trash', isDangerous: true, run: () => remove(app, album) },
        ]
      : [
          {
            label: 'Stop collaborating',
            icon: 'leave',
            isDangerous: true,
            run: async () => {
              if (await attempt(() => app.api.albums.removeCollaborator(album._id, mine), 'You left the playlist')) app.go('/playlists');
            },
          },
        ],
  );
}

/** @param {App} app @param {AlbumWithSongs} album */
async function remove(app, album) {
  const isSure = await confirmed(`Delete “${album.title}”?`, 'Its songs stay.', 'Delete');
  if (isSure && (await attempt(() => app.api.albums.remove(album._id), `${album.title} is deleted`))) app.go('/playlists');
}

/** @param {App} app @param {AlbumWithSongs} album @param {() => void} reload */
function openRename(app, album, reload) {
  return openDialog('Rename', (close) => {
    const title = h('input', { class: 'input', value: album.title, required: true, maxlength: 200 });
    return h(
      'form',
      {
        class: 'form',
        onsubmit: async (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          if (!(await attempt(() => app.api.albums.update(album._id, { title: title.value.trim() })))) return;
          close();
          reload();
        },
      },
      field('Title', title),
      h('button', { type: 'submit', class: 'button button-primary' }, 'Save'),
    );
  });
}

/** @param {App} app @param {AlbumWithSongs} album */
function openShare(app, album) {
  return openDialog(`Share “${album.title}”`, () => {
    const days = h('input', { class: 'input', type: 'number', min: 1, max: 365, value: 30, required: true });
    const result = h('div', { 'aria-live': 'polite' });
    return [
      h('p', { class: 'muted' }, 'Whoever has the link sees the songs, without an account, until it expires or you revoke it.'),
      h(
        'form',
        {
          class: 'form form-row',
          onsubmit: (/** @type {SubmitEvent} */ event) => {
            event.preventDefault();
            void attempt(async () => fill(result, shareLink(await app.api.albums.share(album._id, Number(days.value)))));
          },
        },
        field('Days', days),
        h('button', { type: 'submit', class: 'button button-primary' }, 'Make a link'),
        button('Revoke all links', () =>
          attempt(async () => {
            await app.api.albums.revokeShares(album._id);
            fill(result);
          }, 'No link works any more'),
        ),
      ),
      result,
    ];
  });
}

/** @param {{ token: string, expiresAt: string }} link */
function shareLink({ token, expiresAt }) {
  const url = `${location.origin}/#/shared/${token}`;
  return h(
    'div',
    { class: 'share-link' },
    h('input', { class: 'input', readonly: true, value: url, 'aria-label': 'Share link' }),
    iconButton('copy', 'Copy the link', async () => {
      await navigator.clipboard.writeText(url);
      toast('The link is copied');
    }),
    h('p', { class: 'muted' }, `Valid until ${new Date(expiresAt).toLocaleDateString('en', { dateStyle: 'long' })}`),
  );
}

/** @param {App} app @param {AlbumWithSongs} album @param {() => void} reload */
async function openCollaborators(app, album, reload) {
  await openDialog('Collaborators', () => {
    const list = h('div');
    const show = () => fill(list, collaborators(app, album, show));
    show();
    const who = h('input', { class: 'input', required: true, placeholder: 'Profile link or user id' });
    const add = async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const id = OBJECT_ID.exec(who.value)?.[0];
      if (!id) return toast('That is no profile link: ask for the one in their profile', 'error');
      if (!(await attempt(() => app.api.albums.addCollaborator(album._id, id), 'Added'))) return;
      who.value = '';
      show();
    };
    return [
      h('p', { class: 'muted' }, 'They add, remove and reorder songs. Ask for the link in their profile.'),
      h('form', { class: 'form form-row', onsubmit: add }, field('Person', who), h('button', { type: 'submit', class: 'button button-primary' }, 'Add')),
      list,
    ];
  });
  reload();
}

/** @param {App} app @param {AlbumWithSongs} album @param {() => void} changed */
function collaborators(app, album, changed) {
  const load = async () => {
    const { value } = await app.api.albums.get(album._id);
    return Promise.all((value.collaboratorIds ?? []).map((id) => app.api.users.get(id)));
  };
  return loaded('rows', load, (/** @type {Profile[]} */ people) =>
    people.length === 0
      ? emptyState('people', 'Nobody yet', 'So far only you can change it.')
      : h(
          'ul',
          { class: 'people', 'aria-label': plural(people.length, 'collaborator') },
          people.map((person) =>
            h(
              'li',
              null,
              h('img', { class: 'avatar', src: person.imageUrl, alt: '' }),
              h('span', null, person.fullName),
              iconButton('close', `Remove ${person.fullName}`, async () => {
                if (await attempt(() => app.api.albums.removeCollaborator(album._id, person._id))) changed();
              }),
            ),
          ),
        ),
  );
}
