import { ApiError } from './api/errors.js';
import { App } from './app.js';
import { keepQueue } from './playback/saved_queue.js';
import { toast } from './ui/controls.js';
import { fill, h } from './ui/dom.js';
import { messageOf } from './ui/sections.js';
import { buildShell } from './ui/shell.js';

/** @import { Config } from './app.js' */

const RESUME_AGAIN_MILLISECONDS = 3000;

/** The account is still known when the server was down as the page opened. @param {App} app */
async function resumeLater(app) {
  while (app.session.account && !app.session.isSignedIn) {
    await new Promise((resolve) => setTimeout(resolve, RESUME_AGAIN_MILLISECONDS));
    try {
      await app.session.resume(app.api);
    } catch (error) {
      if (!(error instanceof ApiError && error.isTemporary)) throw error;
    }
  }
}

async function start() {
  const root = /** @type {HTMLElement} */ (document.getElementById('app'));
  /** @type {Config} */
  let config;
  try {
    config = await (await fetch('/player/config.json')).json();
  } catch {
    fill(root, h('p', { class: 'notice', role: 'alert' }, 'The local cloud does not respond. Is the system running?'));
    return;
  }
  const app = new App(config);
  try {
    await app.session.resume(app.api);
  } catch (error) {
    toast(messageOf(error), 'error');
    void resumeLater(app);
  }
  buildShell(app, root);
  void keepQueue(app.player, (ids) => app.api.transport.json('POST', '/api/songs/batch', { json: { ids } }));
  void app.demo.follow();
}

void start();
