// A list that comes in pages: the first as a resource with its faces, the next ones appended.
import { Resource } from './resource.js';

/** @template T @typedef {{items: T[], next_cursor: string|null}} Page */

/** @template T @extends {Resource<Page<T>>} */
export class Paged extends Resource {
  /** The next page is under way. */
  fetching = false;
  /** Why the next page did not come; the pages before it stay. @type {import('./api.js').ApiError|null} */
  moreError = null;
  /** @type {(cursor: string|null, signal?: AbortSignal) => Promise<Page<T>>} */
  #get = async () => ({ items: [], next_cursor: null });

  /** The first page, also when the filters changed. @param {(cursor: string|null, signal?: AbortSignal) => Promise<Page<T>>} get */
  open(get) {
    this.#get = get;
    this.moreError = null;
    return this.load((signal) => get(null, signal));
  }

  async more() {
    const before = this.data;
    if (!before?.next_cursor || this.fetching) return;
    this.fetching = true;
    this.moreError = null;
    this.changed();
    try {
      const next = await this.#get(before.next_cursor);
      // A first page that was asked for meanwhile replaces all of it.
      if (this.data === before) this.data = { ...next, items: [...before.items, ...next.items] };
    } catch (error) {
      this.moreError = /** @type {any} */ (error);
    }
    this.fetching = false;
    this.changed();
  }
}
