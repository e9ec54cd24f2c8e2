/** Plays the queue with one audio element, and reports what was listened to. */

import { Observable } from '../observable.js';
import { remember, remembered } from '../preferences.js';
import { ListeningMeter } from './listening.js';
import { connectMediaKeys } from './media_keys.js';
import { QualityChooser } from './quality.js';
import { Queue } from './queue.js';

/**
 * @import { Interaction, Quality, Song } from '../api/types.js'
 * @import { QualityChoice } from './quality.js'
 *
 * @typedef {object} PlayerState
 * @property {Song | null} song
 * @property {boolean} isPlaying or would, if it had the data
 * @property {boolean} isWaiting for data
 * @property {Quality} quality what is playing
 * @property {QualityChoice} choice
 * @property {string | null} problem
 */

const BACK_TO_START_SECONDS = 3;

export class Player {
  /** @param {(song: Song, interaction: Interaction) => void} report */
  constructor(report) {
    this.audio = new Audio();
    this.audio.preload = 'auto';
    this.audio.volume = remembered('volume', 0.8);
    this.report = report;
    this.queue = new Queue();
    this.chooser = new QualityChooser();
    /** @type {ListeningMeter | null} */
    this.meter = null;
    /** @type {Observable<PlayerState>} */
    this.state = new Observable(
      /** @type {PlayerState} */ ({
        song: null,
        isPlaying: false,
        isWaiting: false,
        quality: 'medium',
        choice: remembered('quality', /** @type {QualityChoice} */ ('auto')),
        problem: null,
      }),
    );
    this.queueChanged = new Observable(0);
    this.position = new Observable({ seconds: 0, duration: 0 });
    this.volume = new Observable({ level: this.audio.volume, isMuted: false });
    this.listen();
    connectMediaKeys(this);
  }

  /** Replaces the queue and plays; no songs leave it as it is. @param {Song[]} songs @param {number} [index] */
  play(songs, index = 0) {
    if (songs.length === 0) return;
    this.meter?.leave();
    this.queue.replace(songs, index);
    this.start();
  }

  /** Shows a queue, paused. @param {Song[]} songs @param {number} index @param {number} seconds */
  restore(songs, index, seconds) {
    this.queue.replace(songs, index);
    this.start(seconds, false);
  }

  /** @param {Song[]} songs @param {boolean} next after the current song, else at the end */
  enqueue(songs, next) {
    const wasEmpty = !this.queue.current;
    this.queue.insert(songs, next);
    if (wasEmpty) this.start();
    else this.touchQueue();
  }

  toggle() {
    if (!this.queue.current) return;
    // After a load error the element does not count as paused.
    if (this.audio.paused || this.audio.error) this.resume();
    else this.audio.pause();
  }

  resume() {
    // Only loading it again ends an error.
    if (this.audio.error) return this.load(this.audio.currentTime, true);
    this.audio.play().catch((error) => {
      // AbortError: another song was chosen meanwhile, which is no failure.
      if (error.name !== 'AbortError') this.change({ isPlaying: false, isWaiting: false });
    });
  }

  /** The listener wants the next song. */
  next() {
    const { index, songs } = this.queue;
    if (index + 1 < songs.length) this.jump(index + 1);
    else if (this.queue.repeat === 'all' && songs.length > 0) this.jump(0);
  }

  /** To the start of the song; from there to the one before. */
  previous() {
    if (this.audio.currentTime > BACK_TO_START_SECONDS || this.queue.index <= 0) this.seek(0);
    else this.jump(this.queue.index - 1);
  }

  /** @param {number} index of a song in the queue */
  jump(index) {
    this.meter?.leave();
    this.queue.index = index;
    this.start();
  }

  /** @param {number} seconds */
  seek(seconds) {
    this.meter?.interrupt();
    const end = this.position.value.duration || 0;
    this.audio.currentTime = Math.max(0, Math.min(seconds, end));
    this.notify();
  }

  /** @param {number} level 0 to 1 */
  setVolume(level) {
    this.audio.muted = false;
    this.audio.volume = Math.max(0, Math.min(1, level));
    remember('volume', this.audio.volume);
  }

  toggleMute() {
    this.audio.muted = !this.audio.muted;
  }

  /** Goes on in another quality from where the song is. @param {QualityChoice} choice */
  setQuality(choice) {
    remember('quality', choice);
    this.change({ choice });
    this.load(this.audio.currentTime, !this.audio.paused);
  }

  cycleRepeat() {
    const { queue } = this;
    queue.repeat = queue.repeat === 'off' ? 'all' : queue.repeat === 'all' ? 'one' : 'off';
    this.touchQueue();
  }

  /** @param {number} index */
  remove(index) {
    if (index !== this.queue.index) this.queue.remove(index);
    this.touchQueue();
  }

  /** @param {number} from @param {number} to */
  move(from, to) {
    this.queue.move(from, to);
    this.touchQueue();
  }

  shuffle() {
    this.queue.shuffle();
    this.touchQueue();
  }

  /** Stops and clears the queue. */
  clear() {
    this.meter?.leave();
    this.meter = null;
    this.audio.removeAttribute('src');
    this.audio.load();
    this.queue.replace([], -1);
    this.change({ song: null, isPlaying: false, isWaiting: false, problem: null });
    this.touchQueue();
  }

  start(from = 0, andPlay = true) {
    const song = this.queue.current;
    if (!song) return;
    this.meter = new ListeningMeter(song.duration, (interaction) => this.report(song, interaction));
    this.change({ song, isWaiting: andPlay });
    this.load(from, andPlay);
    this.touchQueue();
  }

  /** @param {number} from seconds @param {boolean} andPlay */
  load(from, andPlay) {
    const song = this.queue.current;
    if (!song) return;
    const quality = this.chooser.pick(this.state.value.choice);
    this.meter?.interrupt();
    this.audio.src = song.streamingUrls[quality];
    if (from > 0) this.audio.currentTime = from;
    this.change({ quality, isWaiting: andPlay, problem: null });
    this.position.set({ seconds: from, duration: song.duration });
    if (andPlay) this.resume();
  }

  listen() {
    const { audio } = this;
    audio.addEventListener('timeupdate', () => {
      if (!audio.paused && !audio.seeking) this.meter?.advance(audio.currentTime, performance.now() / 1000);
      this.notify();
    });
    audio.addEventListener('durationchange', () => this.notify());
    audio.addEventListener('play', () => this.change({ isPlaying: true }));
    audio.addEventListener('playing', () => {
      this.meter?.advance(audio.currentTime, performance.now() / 1000);
      this.change({ isPlaying: true, isWaiting: false, problem: null });
    });
    audio.addEventListener('pause', () => {
      this.meter?.interrupt();
      this.change({ isPlaying: false, isWaiting: false });
    });
    audio.addEventListener('seeking', () => this.meter?.interrupt());
    audio.addEventListener('waiting', () => this.waited());
    audio.addEventListener('volumechange', () =>
      this.volume.set({ level: audio.volume, isMuted: audio.muted }),
    );
    audio.addEventListener('ended', () => this.ended());
    audio.addEventListener('error', () => this.failed());
  }

  waited() {
    const isInTheMiddle = this.audio.currentTime > 1 && !this.audio.seeking;
    this.meter?.interrupt();
    this.change({ isWaiting: true });
    if (!isInTheMiddle) return;
    this.chooser.stalled();
    const { choice, quality } = this.state.value;
    if (choice === 'auto' && this.chooser.pick('auto') !== quality) this.load(this.audio.currentTime, true);
  }

  ended() {
    this.chooser.recovered();
    const following = this.queue.following;
    if (following === null) {
      this.change({ isPlaying: false });
      return;
    }
    // A song that ends by itself was not skipped, however little of it was played.
    this.queue.index = following;
    this.start();
  }

  failed() {
    // Taking the source away is reported as an error, too.
    if (!this.audio.getAttribute('src')) return;
    this.change({ isPlaying: false, isWaiting: false, problem: 'This song cannot be played now' });
  }

  notify() {
    const { audio, queue } = this;
    const duration = Number.isFinite(audio.duration) ? audio.duration : (queue.current?.duration ?? 0);
    this.position.set({ seconds: audio.currentTime, duration });
  }

  touchQueue() {
    this.queueChanged.set(this.queueChanged.value + 1);
  }

  /** @param {Partial<PlayerState>} changes */
  change(changes) {
    this.state.set({ ...this.state.value, ...changes });
  }
}
