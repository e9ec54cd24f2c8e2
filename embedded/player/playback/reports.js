/** Delivers play, complete and skip, also over a connection that comes and goes. */

import { ApiError } from '../api/errors.js';

/**
 * @import { MusicApi } from '../api/client.js'
 * @import { Interaction, Song } from '../api/types.js'
 * @import { Session } from '../session.js'
 */

const ATTEMPTS = 4;
const FIRST_WAIT_MILLISECONDS = 1000;

/**
 * @param {MusicApi} api
 * @param {Session} session
 * @returns {(song: Song, interaction: Interaction) => Promise<void>}
 */
export function reporter(api, session) {
  return async (song, interaction) => {
    // Without a user there is no history.
    if (!session.isSignedIn || session.user.value?.isBlocked) return;
    const key = crypto.randomUUID();
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      try {
        await api.songs.track(song._id, interaction, key);
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || !error.isTemporary) return;
        const waitMilliseconds = (error.retryAfterSeconds ?? 0) * 1000 || FIRST_WAIT_MILLISECONDS * 2 ** attempt;
        await new Promise((resolve) => setTimeout(resolve, waitMilliseconds));
      }
    }
  };
}
