import { barChart } from '../ui/chart.js';
import { button, confirmed, field, openDialog, select, toggleSwitch } from '../ui/controls.js';
import { clock, fill, h, plural } from '../ui/dom.js';
import { drawnCover, newPlaylistButton } from '../ui/playlist_dialog.js';
import { attempt, emptyState, loaded, section } from '../ui/sections.js';
import { albumCards } from '../ui/albums.js';
import { cover } from '../ui/songs.js';
import { tabs } from '../ui/tabs.js';

/**
 * @import { Album, Counts, Song, Statistics } from '../api/types.js'
 * @import { App } from '../app.js'
 */

const MOODS = ['calm', 'dreamy', 'energetic', 'focused', 'melancholy', 'playful', 'romantic', 'warm'];
/** @type {[keyof Counts, string][]} */
const TOTALS = [
  ['plays', 'Plays'],
  ['listeners', 'Listeners'],
  ['completions', 'To the end'],
  ['skips', 'Skips'],
  ['likes', 'Likes'],
];

/** @param {App} app @param {string} [tab] */
export function studioPage(app, tab = 'songs') {
  if (!app.isArtist) {
    return h('div', { class: 'page' }, h('h1', null, 'Studio'), emptyState('studio', 'For artists', 'An admin makes you one.'));
  }
  return h(
    'div',
    { class: 'page' },
    h('header', { class: 'page-head' }, h('h1', null, 'Studio'), button('Upload a song', () => openUpload(app), { kind: 'primary', icon: 'upload' })),
    tabs('Studio', '/studio', tab, [
      ['songs', 'Songs', () => mySongs(app)],
      ['albums', 'Albums', () => myAlbums(app)],
      ['statistics', 'Statistics', () => statistics(app)],
    ]),
  );
}

/** @param {App} app */
function mySongs(app) {
  return loaded('rows', () => app.api.songs.mine(), (songs, reload) =>
    songs.length === 0
      ? emptyState('upload', 'No songs yet', 'Upload your first one: any audio file, any picture.', button('Upload a song', () => openUpload(app), { kind: 'primary' }))
      : h('ul', { class: 'rows' }, songs.map((song) => mySong(app, song, reload))),
  );
}

/** @param {App} app @param {Song} song @param {() => void} reload */
function mySong(app, song, reload) {
  return h(
    'li',
    { class: 'row', data: { id: song._id } },
    cover(song.imageUrl),
    h('div', { class: 'song-text' }, h('a', { class: 'song-title', dir: 'auto', href: `#/songs/${song._id}` }, song.title), h('span', { class: 'song-artist' }, `${song.genre ?? 'no genre'} · ${clock(song.duration)}`)),
    !song.isVisible && h('span', { class: 'tag tag-hidden' }, 'hidden by an admin'),
    toggleSwitch('Public', song.isPublic, async (isPublic) => {
      await attempt(() => app.api.songs.setPublic(song._id, isPublic), `${song.title} is ${isPublic ? 'public' : 'private'}`);
      reload();
    }, `${song.title} is public`),
    h(
      'div',
      { class: 'inline' },
      button('Edit', () => openEdit(app, song, reload), { icon: 'edit', 'aria-label': `Edit ${song.title}` }),
      button(
        'Delete',
        async () => {
          const isSure = await confirmed(`Delete “${song.title}”?`, 'Its media, plays and likes go with it.', 'Delete');
          if (isSure && (await attempt(() => app.api.songs.remove(song._id), `${song.title} is deleted`))) reload();
        },
        { icon: 'trash', kind: 'danger', 'aria-label': `Delete ${song.title}` },
      ),
    ),
  );
}

/** @param {App} app */
function myAlbums(app) {
  return loaded('cards', () => app.api.albums.mine(), (albums) => [
    h('p', { class: 'inline' }, newPlaylistButton(app)),
    albums.length ? albumCards(app, albums) : emptyState('albums', 'No albums yet', 'Make one, then upload songs into it.'),
  ]);
}

/** @param {App} app @param {Song} song @param {() => void} reload */
function openEdit(app, song, reload) {
  return openDialog(`Edit “${song.title}”`, (close) => {
    const title = titleInput(song.title);
    const genre = h('input', { class: 'input', value: song.genre ?? '', maxlength: 50 });
    const mood = moodInput(song.mood);
    /** @type {string | null | undefined} undefined, which JSON leaves out, until another one is chosen */
    let albumId;
    const choose = (/** @type {string} */ value) => (albumId = value || null);
    const album = h('div', null, loaded('block', () => app.api.albums.mine(), (albums) => albumSelect(albums, song.albumId, choose)));
    const save = async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const changes = { title: title.value.trim(), genre: genre.value.trim(), mood: mood.value.trim(), albumId };
      if (!(await attempt(() => app.api.songs.update(song._id, changes), 'Saved'))) return;
      close();
      reload();
    };
    return h('form', { class: 'form', onsubmit: save }, field('Title', title), field('Genre', genre), field('Mood', mood), album, h('button', { type: 'submit', class: 'button button-primary' }, 'Save'));
  });
}

/** Not blank, which `required` alone would allow. @param {string} [value] */
function titleInput(value = '') {
  return h('input', { class: 'input', value, required: true, pattern: '.*\\S.*', title: 'Title is required', maxlength: 200 });
}

/** @param {string} [value] */
function moodInput(value = '') {
  const input = h('input', { class: 'input', value, maxlength: 50, list: 'moods' });
  if (!document.getElementById('moods')) {
    document.body.append(h('datalist', { id: 'moods' }, MOODS.map((each) => h('option', { value: each }))));
  }
  return input;
}

/** @param {Album[]} albums @param {string | null} [chosen] @param {(id: string) => void} [onchange] */
function albumSelect(albums, chosen, onchange = () => {}) {
  return field('Album', select('Album', [['', 'None'], ...albums.map((album) => /** @type {[string, string]} */ ([album._id, album.title]))], chosen ?? '', onchange));
}

/** @param {App} app */
function openUpload(app) {
  return openDialog('Upload a song', (close) => {
    const title = titleInput();
    const audio = h('input', { class: 'input', name: 'audio', type: 'file', accept: 'audio/*', required: true });
    const image = h('input', { class: 'input', name: 'image', type: 'file', accept: 'image/*' });
    const genre = h('input', { class: 'input', name: 'genre', maxlength: 50 });
    const mood = moodInput();
    const isPublic = h('input', { type: 'checkbox', checked: true });
    const album = h('div', null, loaded('block', () => app.api.albums.mine(), (albums) => albumSelect(albums)));
    const progress = h('progress', { max: 1, value: 0, 'aria-label': 'Upload' });
    const state = h('div', { class: 'upload-state', 'aria-live': 'polite', hidden: true }, progress, h('span', { class: 'muted' }));
    const submit = h('button', { type: 'submit', class: 'button button-primary' }, 'Upload');
    let suggested = '';
    audio.addEventListener('change', () => {
      const file = audio.files?.[0];
      if (!file || (title.value && title.value !== suggested)) return;
      title.value = suggested = file.name.replace(/\.[^.]+$/, '').replaceAll('_', ' ');
    });
    const upload = async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      submit.disabled = true;
      state.hidden = false;
      const text = /** @type {HTMLElement} */ (state.lastElementChild);
      const done = await attempt(async () => {
        const form = new FormData();
        form.set('title', title.value.trim());
        const picture = image.files?.[0];
        form.set('image', picture ?? (await drawnCover(title.value.trim())), picture?.name ?? 'cover.png');
        form.set('audio', /** @type {File} */ (audio.files?.[0]));
        for (const [name, value] of [['genre', genre.value], ['mood', mood.value], ['albumId', album.querySelector('select')?.value ?? '']]) {
          if (name && value?.trim()) form.set(name, value.trim());
        }
        form.set('isPublic', String(isPublic.checked));
        await app.api.songs.upload(form, {
          onProgress: (share) => {
            progress.value = share;
            text.textContent = share < 1 ? `${Math.round(share * 100)} % sent` : 'Being checked and stored …';
          },
        });
      }, `${title.value.trim()} is uploaded`);
      submit.disabled = false;
      state.hidden = true;
      if (!done) return;
      close();
      app.refresh();
    };
    return h(
      'form',
      { class: 'form', onsubmit: upload },
      field('Audio', audio, 'MP3, FLAC, OGG, WAV, M4A …'),
      field('Title', title),
      field('Cover', image, 'Without one, a cover is drawn.'),
      h('div', { class: 'form-columns' }, field('Genre', genre), field('Mood', mood)),
      album,
      h('label', { class: 'check' }, isPublic, 'Everybody may hear it'),
      state,
      submit,
    );
  });
}

/** @param {App} app */
function statistics(app) {
  const body = h('div');
  /** @param {number} days */
  const show = (days) => fill(body, loaded('block', () => app.api.songs.statistics(days), (figures) => report(app, figures)));
  show(28);
  return [
    h('p', { class: 'inline' }, select('Period', [['7', 'Last 7 days'], ['28', 'Last 28 days'], ['90', 'Last 90 days'], ['365', 'Last year']], '28', (value) => show(Number(value)))),
    body,
  ];
}

/** @param {App} app @param {Statistics} figures */
function report(app, figures) {
  const top = [...figures.songs].sort((a, b) => b.plays - a.plays);
  return [
    h('dl', { class: 'totals' }, TOTALS.map(([key, name]) => h('div', null, h('dt', null, name), h('dd', null, figures.totals[key].toLocaleString('en'))))),
    section('Plays per day', barChart(figures.perDay.map(({ date, plays }) => ({ label: date, value: plays })), 'Plays')),
    section(
      'Songs',
      h(
        'div',
        { class: 'table-box', tabindex: 0, role: 'group', 'aria-label': 'Figures by song' },
        h(
          'table',
          { class: 'table' },
          h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Song'), TOTALS.map(([, name]) => h('th', { scope: 'col', class: 'number' }, name)))),
          h('tbody', null, top.map((song) => h('tr', null, h('th', { scope: 'row' }, h('a', { href: `#/songs/${song.songId}` }, song.title)), TOTALS.map(([key]) => h('td', { class: 'number' }, song[key].toLocaleString('en')))))),
        ),
      ),
      { subtitle: plural(app.user ? top.length : 0, 'song') },
    ),
  ];
}
