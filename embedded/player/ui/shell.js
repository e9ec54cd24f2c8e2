/** The frame around every page: navigation, search, account, panels, and the bar with the player. */

import { adminPage } from '../views/admin.js';
import { albumPage, albumsPage, sharedAlbumPage } from '../views/albums.js';
import { artistPage, artistsPage } from '../views/artists.js';
import { genrePage, homePage } from '../views/home.js';
import { historyPage, likedPage, playlistsPage } from '../views/library.js';
import { profilePage } from '../views/profile.js';
import { searchPage } from '../views/search.js';
import { songPage } from '../views/song.js';
import { studioPage } from '../views/studio.js';
import { apiPanel } from './api_panel.js';
import { button, iconButton, menuButton } from './controls.js';
import { fill, h, roleName, svg } from './dom.js';
import { icon } from './icons.js';
import { connectKeyboard, openShortcuts } from './keyboard.js';
import { nowPlaying } from './now_playing.js';
import { playerBar } from './player_bar.js';
import { queuePanel } from './queue_panel.js';
import { Router } from './router.js';
import { searchField } from './search_field.js';
import { initials, openSignIn } from './sign_in.js';
import { themeButton } from './theme.js';

/**
 * @import { App } from '../app.js'
 * @import { IconName } from './icons.js'
 * @import { View } from './router.js'
 */

/** @type {[RegExp, View][]} */
const ROUTES = [
  [/^\/$/, homePage],
  [/^\/search(?:\/(.*))?$/, searchPage],
  [/^\/genres\/(.+)$/, genrePage],
  [/^\/songs\/(\w+)$/, songPage],
  [/^\/albums$/, albumsPage],
  [/^\/albums\/(\w+)$/, albumPage],
  [/^\/shared\/(.+)$/, sharedAlbumPage],
  [/^\/artists$/, artistsPage],
  [/^\/artists\/(\w+)$/, artistPage],
  [/^\/liked$/, likedPage],
  [/^\/history$/, historyPage],
  [/^\/playlists$/, playlistsPage],
  [/^\/studio(?:\/(\w+))?$/, studioPage],
  [/^\/admin(?:\/(\w+))?$/, adminPage],
  [/^\/profile$/, profilePage],
];

/** @param {App} app @param {HTMLElement} root */
export function buildShell(app, root) {
  const main = h('main', { id: 'main', class: 'main', tabindex: -1 });
  const panels = sidePanels(app);
  const theatre = nowPlaying(app);
  fill(
    root,
    navigation(app),
    topBar(app, panels),
    main,
    panels.element,
    playerBar(app, { toggleQueue: (opener) => panels.toggle('queue', opener), openNowPlaying: theatre.open }),
    theatre.element,
    app.player.audio,
  );
  connectKeyboard(app, { toggleQueue: () => panels.toggle('queue'), toggleApi: () => panels.toggle('api') });
  new Router(app, main, ROUTES).start();
}

/** @param {App} app */
function navigation(app) {
  const list = h('ul', { class: 'nav-list' });
  const mark = () => {
    const path = location.hash.slice(1) || '/';
    for (const each of list.querySelectorAll('a')) {
      const target = each.hash.slice(1);
      const isHere = target === '/' ? path === '/' : path.startsWith(target);
      if (isHere) {
        each.setAttribute('aria-current', 'page');
        // On a phone the list scrolls sideways.
        each.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      } else {
        each.removeAttribute('aria-current');
      }
    }
  };
  app.session.user.watch(() => {
    fill(
      list,
      link('/', 'home', 'Home'),
      link('/search', 'search', 'Search'),
      link('/albums', 'albums', 'Albums'),
      link('/artists', 'artists', 'Artists'),
      app.session.isSignedIn && [
        h('li', { class: 'nav-heading', 'aria-hidden': 'true' }, 'Library'),
        link('/liked', 'heart', 'Liked'),
        link('/history', 'history', 'History'),
        link('/playlists', 'playlist', 'Playlists'),
      ],
      app.isArtist && [
        h('li', { class: 'nav-heading', 'aria-hidden': 'true' }, 'Work'),
        link('/studio', 'studio', 'Studio'),
        app.isAdmin && link('/admin', 'shield', 'Admin'),
      ],
    );
    mark();
  });
  addEventListener('pageshown', mark);
  return h('nav', { class: 'nav', 'aria-label': 'Pages' }, brand(), list);
}

function brand() {
  const bars = svg('path', { d: 'M6 14v-4M10.5 17V7M15 19V5M19.5 15V9' });
  return h(
    'a',
    { class: 'brand', href: '#/', 'aria-label': 'Encore, home' },
    h('span', { class: 'brand-mark' }, svg('svg', { viewBox: '0 0 25 24', class: 'icon', 'aria-hidden': 'true' }, bars)),
    h('span', { class: 'brand-name' }, 'Encore'),
  );
}

/** @param {string} path @param {IconName} name @param {string} text */
function link(path, name, text) {
  return h('li', null, h('a', { class: 'nav-link', href: `#${path}` }, icon(name), h('span', null, text)));
}

/** @param {App} app @param {{ toggle: (name: 'queue' | 'api', opener?: HTMLElement) => void }} panels */
function topBar(app, panels) {
  const account = h('div', { class: 'account-corner' });
  app.session.user.watch((user) => {
    if (!user) {
      fill(account, button('Sign in', () => openSignIn(app), { kind: 'primary' }));
      return;
    }
    const menu = menuButton(`Account of ${user.fullName}`, () => [
      { label: 'Profile', icon: 'artists', run: () => app.go('/profile') },
      { label: 'Switch account', icon: 'people', run: () => openSignIn(app) },
      { label: 'Keyboard shortcuts', icon: 'keyboard', run: () => openShortcuts() },
      {
        label: 'Sign out',
        icon: 'leave',
        run: () => {
          app.session.signOut();
          app.go('/');
        },
      },
    ]);
    menu.classList.add('avatar-button');
    fill(menu, h('span', { class: `initials initials-${user.role}` }, initials(user.fullName)));
    fill(account, h('span', { class: 'account-name' }, user.fullName, h('small', null, roleName(user.role))), menu);
  });
  const api = iconButton('api', 'API panel', () => panels.toggle('api', api), { 'aria-expanded': 'false' });
  return h('header', { class: 'top' }, brand(), searchField(app), h('div', { class: 'top-actions' }, themeButton(), api, account));
}

/** The queue and the API panel: one at a time, beside the page. @param {App} app */
function sidePanels(app) {
  const element = h('aside', { class: 'side', hidden: true });
  const contents = { queue: queuePanel(app, () => close()), api: apiPanel(app, () => close()) };
  /** @type {keyof typeof contents | null} */
  let open = null;
  /** @type {HTMLElement | undefined} */
  let openedBy;
  const close = () => {
    open = null;
    element.hidden = true;
    document.body.classList.remove('has-side');
    openedBy?.setAttribute('aria-expanded', 'false');
    openedBy?.focus();
    openedBy = undefined;
  };
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
  });
  return {
    element,
    /** @param {keyof typeof contents} name @param {HTMLElement} [opener] */
    toggle(name, opener) {
      if (open === name) return close();
      openedBy?.setAttribute('aria-expanded', 'false');
      open = name;
      openedBy = opener;
      openedBy?.setAttribute('aria-expanded', 'true');
      fill(element, contents[name].element);
      element.setAttribute('aria-label', contents[name].label);
      element.hidden = false;
      document.body.classList.add('has-side');
      contents[name].opened();
      element.querySelector('h2')?.focus();
    },
  };
}

