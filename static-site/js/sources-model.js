// The sources of a company and what is under way for each; polls while something is.
import { api } from './api.js';
import { announce } from './dom.js';
import { Resource } from './resource.js';
import { store } from './store.js';
import { errorText } from './widgets/faces.js';
import { waiting } from './widgets/source-card.js';

/** @typedef {import('./widgets/source-card.js').Source} Source */
/** @typedef {{tone: 'good'|'bad'|'calm', text: string}} Notice */

const POLL_MS = 2500;
const DONE = new Set(['succeeded', 'incomplete', 'failed', 'cancelled']);

export class Sources {
  /** @type {Record<string, string>} what is being asked of the server, by source */
  busy = {};
  /** @type {Record<string, Notice>} */
  notices = {};
  /** @type {Record<string, string>} runs asked for by hand and not finished yet */
  #runs = {};
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #stopped = false;

  /** @param {() => void} draw */
  constructor(draw) {
    this.draw = draw;
    this.list = new Resource(draw);
    this.providers = new Resource(draw);
    this.history = new Resource(draw);
    /** @type {string|null} source whose runs are shown */
    this.open = null;
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
    if (!this.#stopped && (this.items.some(waiting) || Object.keys(this.#runs).length)) this.#timer = setTimeout(() => this.load(), POLL_MS);
  }

  loadProviders() {
    if (!this.providers.data) this.providers.load((signal) => api.providers(signal));
  }

  /** Shows the runs of one source, or of none. @param {string|null} id */
  show(id) {
    this.open = id;
    this.history.data = null;
    if (id) this.history.load((signal) => api.syncs(id, {}, signal));
  }

  /** @param {string} id */
  moreRuns(id) {
    const before = this.history.data;
    this.history.load(async (signal) => {
      const next = await api.syncs(id, { cursor: before.next_cursor }, signal);
      return { ...next, items: [...before.items, ...next.items] };
    });
  }

  /** Runs one action on a source; a failure stays on its card. @param {Source} source @param {string} name @param {() => Promise<any>} act */
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

  /** Asks for a run and follows it to its end. @param {Source} source */
  async sync(source) {
    const answer = await this.run(source, 'sync', () => api.sync(source.id));
    if (!answer) return;
    this.#runs[source.id] = answer.sync_id;
    this.tell(source.id, 'calm', store.t('source.sync_started'));
    this.load();
  }

  async #followRuns() {
    for (const [id, run] of Object.entries(this.#runs)) {
      const { items } = await api.syncs(id, {}, new AbortController().signal).catch(() => ({ items: [] }));
      const found = items.find((/** @type {any} */ item) => item.id === run);
      if (!found || !DONE.has(found.status)) continue;
      delete this.#runs[id];
      const good = found.status === 'succeeded';
      const rows = store.format.value(found.rows_changed ?? 0, 'count');
      this.tell(id, good ? 'good' : 'bad', good ? store.t('source.sync_done', { n: found.rows_changed ?? 0, rows }) : found.message || store.t(`run.${found.status}`));
      if (this.open === id) this.show(id);
    }
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.draw = () => {};
    for (const resource of [this.list, this.providers, this.history]) resource.stop();
  }
}
