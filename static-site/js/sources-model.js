// The sources of a company and what is under way for each; polls while something is.
import { api } from './api.js';
import { announce } from './dom.js';
import { clock, secondsLeft, waitSeconds } from './lib/countdown.js';
import { isMoving, renewed } from './lib/sources.js';
import { Paged } from './paged.js';
import { Resource } from './resource.js';
import { store } from './store.js';
import { errorText } from './widgets/faces.js';

/** @typedef {import('./lib/sources.js').Source} Source */
/** @typedef {import('./widgets/source-runs.js').Run} Run */
/** @typedef {import('./widgets/notice.js').Notice} Notice */

const POLL_MS = 2500;
const DONE = new Set(['succeeded', 'incomplete', 'failed', 'cancelled']);

export class Sources {
  /** @type {Record<string, string>} what is being asked of the server, by source */
  busy = {};
  /** @type {Record<string, Notice>} */
  notices = {};
  /** @type {Record<string, string>} runs asked for by hand and not finished yet */
  #asked = {};
  /** @type {Record<string, number>} when a source may be read again, in ms */
  #holds = {};
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #beat;
  #stopped = false;

  /** @param {() => void} draw */
  constructor(draw) {
    this.draw = () => this.#stopped || draw();
    /** @type {Resource<{items: Source[]}>} */
    this.list = new Resource(this.draw);
    this.providers = new Resource(this.draw);
    this.connections = new Resource(this.draw);
    /** @type {Paged<Run>} */
    this.runs = new Paged(this.draw);
    this.log = new Resource(this.draw);
    /** @type {string|null} source whose runs are shown */
    this.open = null;
    /** @type {string|null} run whose log is shown */
    this.openRun = null;
  }

  /** @returns {Source[]} */
  get items() {
    return this.list.data?.items ?? [];
  }

  async load() {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    await this.list.load((signal) => api.sources(signal));
    await this.#followRuns();
    clearTimeout(this.#timer);
    if (!this.#stopped && (this.items.some(isMoving) || Object.keys(this.#asked).length)) this.#timer = setTimeout(() => this.load(), POLL_MS);
  }

  loadProviders() {
    if (!this.providers.data) this.providers.load((signal) => api.providers(signal));
    this.connections.load((signal) => api.connections(signal));
  }

  /** Shows the runs of one source, or of none. @param {string|null} id */
  show(id) {
    if (id === this.open) return;
    this.open = id;
    this.openRun = null;
    this.runs.data = null;
    if (id) this.runs.open((cursor, signal) => api.syncs(id, { cursor }, /** @type {any} */ (signal)));
  }

  /** Opens a run's log, or closes it. @param {string|null} run */
  toggleRun = (run) => {
    this.openRun = run === this.openRun ? null : run;
    const { open: source, openRun } = this;
    if (source && openRun) this.log.load((signal) => api.run(source, openRun, signal));
    else this.draw();
  };

  /** What a failed act was refused with is told on its source. @template T @param {Source} source @param {string} name @param {() => Promise<T>} act @returns {Promise<T|null>} */
  async run(source, name, act) {
    this.busy[source.id] = name;
    delete this.notices[source.id];
    this.draw();
    try {
      return await act();
    } catch (error) {
      this.tell(source.id, 'bad', errorText(/** @type {any} */ (error)));
      return null;
    } finally {
      delete this.busy[source.id];
      this.draw();
    }
  }

  /** @param {string} id @param {Notice['tone']} tone @param {string} text */
  tell(id, tone, text) {
    this.notices[id] = { tone, text };
    announce(text);
    this.draw();
  }

  /** Seconds until a source may be read by hand again. @param {string} id */
  wait(id) {
    return secondsLeft(this.#holds[id] ?? 0, Date.now());
  }

  /** Counts down before the person's eyes. @param {string} id @param {number} seconds */
  #hold(id, seconds) {
    this.#holds[id] = Date.now() + seconds * 1000;
    this.tell(id, 'calm', store.t('source.just_synced', { time: clock(seconds) }));
    clearInterval(this.#beat);
    this.#beat = setInterval(() => {
      for (const held of Object.keys(this.#holds).filter((one) => !this.wait(one))) {
        delete this.#holds[held];
        delete this.notices[held];
        announce(store.t('wait.over'));
      }
      if (!Object.keys(this.#holds).length) clearInterval(this.#beat);
      this.draw();
    }, 1000);
  }

  /** Asks for a run and follows it to its end. @param {Source} source */
  async sync(source) {
    const answer = await this.run(source, 'sync', () => api.sync(source.id).catch((error) => {
      if (error.code !== 'just_synced') throw error;
      this.#hold(source.id, waitSeconds(error.problem.retry_after));
    }));
    if (!answer) return;
    this.#asked[source.id] = answer.sync_id;
    this.tell(source.id, 'calm', store.t('source.sync_started'));
    this.load();
  }

  /** Runs asked for by hand are told when they end; those of the open source are renewed while it moves. */
  async #followRuns() {
    const ids = new Set(Object.keys(this.#asked));
    if (this.open && this.runs.data) ids.add(this.open);
    for (const id of ids) {
      const page = await api.syncs(id, {}, new AbortController().signal).catch(() => null);
      if (!page || this.#stopped) continue;
      if (id === this.open && this.runs.data) this.runs.data = { ...this.runs.data, items: renewed(this.runs.data.items, page.items) };
      this.#tellEnd(id, page.items.find((/** @type {Run} */ run) => run.id === this.#asked[id]));
    }
    const shown = this.runs.data?.items.find(({ id }) => id === this.openRun);
    const { open, openRun } = this;
    // A finished run's log stays as it was read after its end.
    if (open && openRun && shown && this.log.data?.id === openRun && !this.log.data.finished_at) await this.log.load((signal) => api.run(open, openRun, signal));
    this.draw();
  }

  /** @param {string} id @param {any} run */
  #tellEnd(id, run) {
    if (!run || !DONE.has(run.status)) return;
    delete this.#asked[id];
    const good = run.status === 'succeeded';
    const rows = store.format.value(run.rows_changed, 'count');
    this.tell(id, good ? 'good' : 'bad', good ? store.t('source.sync_done', { n: run.rows_changed, rows }) : run.sentence);
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#beat);
    for (const resource of [this.list, this.providers, this.connections, this.runs, this.log]) resource.stop();
  }
}
