// One piece of data of a widget and the face it is in: loading, data or error. A newer request cancels the older.
import { store } from './store.js';

/** @template T */
export class Resource {
  /** @type {'idle'|'loading'|'data'|'error'} */
  face = 'idle';
  /** The last good answer; kept while a newer one loads. @type {T|null} */
  data = null;
  /** @type {import('./api.js').ApiError|null} */
  error = null;
  /** @type {AbortController|null} */
  #running = null;
  /** @type {(() => Promise<unknown>)|null} */
  #again = null;

  /** @param {() => void} changed draws the widget anew */
  constructor(changed) {
    this.changed = changed;
  }

  /** @param {(signal: AbortSignal) => Promise<T>} get @returns {Promise<T|null>} null when it failed or was overtaken */
  async load(get) {
    this.#running?.abort();
    const running = (this.#running = new AbortController());
    this.#again = () => this.load(get);
    this.face = 'loading';
    this.error = null;
    this.changed();
    try {
      const data = await get(running.signal);
      if (running.signal.aborted) return null;
      this.data = data;
      this.face = 'data';
      store.hear(/** @type {any} */ (data)?.now);
    } catch (error) {
      if (running.signal.aborted) return null;
      this.face = 'error';
      this.error = /** @type {any} */ (error);
      this.data = null;
    }
    this.changed();
    return this.data;
  }

  retry() {
    return this.#again?.() ?? Promise.resolve();
  }

  stop() {
    this.#running?.abort();
    this.changed = () => {};
  }
}
