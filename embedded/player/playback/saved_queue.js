/** The queue outlives a reload of the page: its songs, which of them, and where in it. */

import { ApiError } from '../api/errors.js';
import { remember, remembered } from '../preferences.js';

/**
 * @import { Song } from '../api/types.js'
 * @import { Player } from './player.js'
 * @typedef {{ ids: string[], index: number, seconds: number }} SavedQueue
 */

/** As many as one request may ask for. */
const MOST_SONGS = 500;
const MOST_SONGS_PLAYED = 50;

/**
 * Shows the saved queue, paused, and saves it from now on.
 * @param {Player} player
 * @param {(ids: string[]) => Promise<Song[]>} songsById those that the caller may see, in this order
 */
export async function keepQueue(player, songsById) {
  const save = () => {
    // Nothing was played yet: what is saved may still be loading, or fail to.
    if (player.queueChanged.value === 0) return;
    const { songs, index } = player.queue;
    const from = Math.max(0, index - MOST_SONGS_PLAYED);
    const ids = songs.slice(from, from + MOST_SONGS).map((song) => song._id);
    const { seconds } = player.position.value;
    remember('queue', ids.length > 0 ? { ids, index: index - from, seconds } : null);
  };
  player.queueChanged.watch(save);
  addEventListener('pagehide', save);
  const saved = remembered('queue', /** @type {SavedQueue | null} */ (null));
  if (!saved) return;
  try {
    const songs = await songsById(saved.ids);
    // Unless the listener has played something meanwhile.
    if (player.queueChanged.value === 0) restore(player, saved, songs);
  } catch (error) {
    // It stays saved for the next time.
    if (!(error instanceof ApiError)) throw error;
  }
}

/** @param {Player} player @param {SavedQueue} saved @param {Song[]} songs without those that are gone or hidden by now */
function restore(player, saved, songs) {
  const found = new Set(songs.map((song) => song._id));
  const before = saved.ids.slice(0, saved.index).filter((id) => found.has(id)).length;
  const index = Math.min(before, songs.length - 1);
  const isSame = songs[index]?._id === saved.ids[saved.index];
  player.restore(songs, index, isSame ? saved.seconds : 0);
}
