/** The media keys of keyboards and headphones, and what the lock screen shows. */

/** @import { Player } from './player.js' */

const STEP_SECONDS = 10;

/** @param {Player} player */
export function connectMediaKeys(player) {
  const session = navigator.mediaSession;
  if (!session) return;
  /** @type {[MediaSessionAction, MediaSessionActionHandler][]} */
  const handlers = [
    ['play', () => player.resume()],
    ['pause', () => player.audio.pause()],
    ['stop', () => player.audio.pause()],
    ['nexttrack', () => player.next()],
    ['previoustrack', () => player.previous()],
    ['seekbackward', (action) => player.seek(player.audio.currentTime - (action.seekOffset ?? STEP_SECONDS))],
    ['seekforward', (action) => player.seek(player.audio.currentTime + (action.seekOffset ?? STEP_SECONDS))],
    ['seekto', (action) => player.seek(action.seekTime ?? 0)],
  ];
  for (const [action, handler] of handlers) {
    try {
      session.setActionHandler(action, handler);
    } catch {
      // This browser does not know the action.
    }
  }
  /** @type {string | undefined} */
  let shown;
  player.state.watch(({ song, isPlaying }) => {
    session.playbackState = song ? (isPlaying ? 'playing' : 'paused') : 'none';
    if (shown === song?._id) return;
    shown = song?._id;
    session.metadata =
      song &&
      new MediaMetadata({
        title: song.title,
        artist: song.artistName,
        artwork: [{ src: song.imageUrl, sizes: '600x600' }],
      });
  });
  player.position.watch(({ seconds, duration }) => {
    if (duration > 0 && seconds <= duration) session.setPositionState?.({ duration, position: seconds });
  });
}
