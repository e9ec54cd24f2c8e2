/** Putting a song into a playlist, and making one. */

import { button, field, openDialog } from './controls.js';
import { h } from './dom.js';
import { attempt, emptyState, loaded } from './sections.js';
import { openSignIn } from './sign_in.js';

/**
 * @import { Album, Song } from '../api/types.js'
 * @import { App } from '../app.js'
 */

const COVER_PIXELS = 600;

/** @param {App} app @param {Song} song */
export function offerPlaylists(app, song) {
  if (!app.session.isSignedIn) return openSignIn(app);
  return openDialog(`Add “${song.title}” to`, (close) => [
    loaded('rows', async () => (await Promise.all([app.api.albums.mine(), app.api.albums.collaborations()])).flat(), (albums) =>
      albums.length === 0
        ? emptyState('playlist', 'No playlists yet', 'Make your first one below.')
        : h(
            'ul',
            { class: 'choices' },
            albums.map((album) =>
              h(
                'li',
                null,
                h(
                  'button',
                  {
                    type: 'button',
                    class: 'choice',
                    onclick: async () => {
                      const add = () => app.api.albums.addSong(album._id, song._id);
                      if (await attempt(add, `Added to ${album.title}`)) close();
                    },
                  },
                  h('img', { class: 'cover', src: album.imageUrl, alt: '' }),
                  h('span', null, album.title),
                ),
              ),
            ),
          ),
    ),
    playlistForm(app, async (album) => {
      await app.api.albums.addSong(album._id, song._id);
      close();
    }),
  ]);
}

/**
 * @param {App} app
 * @param {(album: Album) => Promise<void> | void} created
 */
export function playlistForm(app, created) {
  const title = h('input', { class: 'input', required: true, maxlength: 200, placeholder: 'Songs for Sunday' });
  const picture = h('input', { class: 'input', type: 'file', accept: 'image/*' });
  const isPublic = h('input', { type: 'checkbox' });
  const submit = h('button', { type: 'submit', class: 'button button-primary' }, 'Create');
  return h(
    'form',
    {
      class: 'form',
      onsubmit: async (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        submit.disabled = true;
        await attempt(async () => {
          const form = new FormData();
          form.set('title', title.value.trim());
          form.set('image', picture.files?.[0] ?? (await drawnCover(title.value.trim())), picture.files?.[0]?.name ?? 'cover.png');
          form.set('isPublic', String(isPublic.checked));
          await created(await app.api.albums.create(form));
        }, `${title.value.trim()} is there`);
        submit.disabled = false;
      },
    },
    field(app.isArtist ? 'New album or playlist' : 'New playlist', title),
    h('details', null, h('summary', null, 'Cover'), field('Picture', picture, 'Without one, a cover is drawn.')),
    app.isArtist && h('label', { class: 'check' }, isPublic, 'Everybody may see it'),
    submit,
  );
}

/** A plain cover with the title's first letters. @param {string} title @returns {Promise<Blob>} */
export async function drawnCover(title) {
  const canvas = h('canvas', { width: COVER_PIXELS, height: COVER_PIXELS });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const hue = [...title].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7);
  const gradient = context.createLinearGradient(0, 0, COVER_PIXELS, COVER_PIXELS);
  gradient.addColorStop(0, `hsl(${hue} 55% 34%)`);
  gradient.addColorStop(1, `hsl(${(hue + 50) % 360} 60% 18%)`);
  context.fillStyle = gradient;
  context.fillRect(0, 0, COVER_PIXELS, COVER_PIXELS);
  context.strokeStyle = 'rgb(255 255 255 / 0.14)';
  context.lineWidth = 3;
  for (let radius = 60; radius < 620; radius += 44) {
    context.beginPath();
    context.arc(COVER_PIXELS, 0, radius, 0, Math.PI * 2);
    context.stroke();
  }
  context.fillStyle = 'white';
  context.font = '700 72px system-ui, sans-serif';
  context.fillText([...title].slice(0, 12).join(''), 48, COVER_PIXELS - 64, COVER_PIXELS - 96);
  const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ done) => canvas.toBlob(done, 'image/png'));
  if (!blob) throw new Error('The browser cannot draw a cover: choose a picture');
  return blob;
}

/** @param {App} app */
export function openNewPlaylist(app) {
  return openDialog(app.isArtist ? 'New album or playlist' : 'New playlist', (close) =>
    playlistForm(app, (album) => {
      close();
      app.go(`/albums/${album._id}`);
    }),
  );
}

/** @param {App} app */
export function newPlaylistButton(app) {
  return button('New', () => openNewPlaylist(app), { icon: 'plus' });
}
