// What the board shows and how it gets it: every choice comes from the address, every widget has its own request.
import { api } from './api.js';
import { announce } from './dom.js';
import { extent } from './extent.js';
import { dayInZone, isDay, presetRange } from './lib/dates.js';
import { metricId, parseMetricId } from './lib/series.js';
import { decodeDims, encodeDims } from './lib/url.js';
import { Resource } from './resource.js';
import { store } from './store.js';

const TABLE_METRICS = 5;
const PAGE = 10;

/** @typedef {{path: string, params: Record<string, string>}} Location */

export class Board {
  /** @param {Location} location @param {() => void} draw */
  constructor(location, draw) {
    this.params = location.params;
    this.draw = draw;
    this.catalog = new Resource(draw);
    this.metrics = new Resource(draw);
    this.series = new Resource(draw);
    this.table = new Resource(draw);
    this.values = new Resource(draw);
    this.ui = { open: false, custom: false, dimension: '', problem: '' };
    /** @type {Array<string|null>} cursors of the table's pages so far */
    this.cursors = [null];
    this.catalog.load((signal) => api.catalog({}, signal)).then(() => this.load());
  }

  get dims() {
    return decodeDims(this.params.dims);
  }

  get compare() {
    return ['none', 'previous', 'year'].includes(this.params.compare) ? this.params.compare : 'previous';
  }

  today() {
    return dayInZone(store.now(), store.session?.tenant?.zone);
  }

  /** The metric shown large: the chosen one, else the first that has a value. @returns {any} */
  chosen() {
    const all = this.metrics.data?.metrics ?? [];
    const wish = this.params.metric;
    return all.find((/** @type {any} */ m) => metricId(m) === wish || m.key === wish) ?? all.find((/** @type {any} */ m) => m.value !== null) ?? all[0] ?? null;
  }

  /** @param {string} key */
  entry(key) {
    return this.catalog.data?.items.find((/** @type {any} */ item) => item.key === key);
  }

  /** Dimensions to choose from: those of the metric shown, then those of the others. @returns {string[]} */
  dimensions() {
    const own = this.entry(this.chosen()?.key)?.dimensions ?? [];
    const all = (this.catalog.data?.items ?? []).flatMap((/** @type {any} */ item) => item.dimensions);
    return [...new Set([...own, ...all])];
  }

  /** @returns {string[]} */
  tableDimensions() {
    return [...(this.entry(this.chosen()?.key)?.dimensions ?? []), 'date'];
  }

  /** What the table goes by. Under a filter it is time, unless chosen: many sources store each dimension only by itself. */
  get by() {
    const own = this.tableDimensions();
    if (own.includes(this.params.by)) return this.params.by;
    return this.dims.length ? 'date' : own[0];
  }

  get sort() {
    return this.params.sort ?? (this.by === 'date' ? '-date' : `-${metricId(this.chosen() ?? { key: '' })}`);
  }

  /** Grain of the rows by date: never finer than what is stored. @returns {string} */
  get tableGrain() {
    return this.params.grain ?? this.entry(this.chosen()?.key)?.grain ?? 'day';
  }

  /** The metric whose first day begins "all data": people counted once have no yearly series, so another of their source stands in. */
  extentKey() {
    const items = this.catalog.data?.items ?? [];
    const wish = items.find((/** @type {any} */ i) => i.key === (this.params.metric && parseMetricId(this.params.metric).key)) ?? items[0];
    if (wish?.additivity !== 'unique') return wish?.key;
    return (items.find((/** @type {any} */ i) => i.additivity !== 'unique' && this.sameSource(i.key, wish.key)) ?? wish).key;
  }

  /** Dates asked for, or nothing: then the server takes the last 28 days with data. @param {AbortSignal} signal */
  async range(signal) {
    const { range, from, to } = this.params;
    if (range === 'all') {
      const key = this.extentKey();
      return (key && (await extent(key, this.entry(key)?.freshness?.data_through ?? null, signal))) || {};
    }
    if (range) return presetRange(range, this.today()) ?? {};
    return isDay(from) && isDay(to) && from <= to ? { from, to } : {};
  }

  async load() {
    const { compare } = this;
    const dims = encodeDims(this.dims);
    this.cursors = [null];
    if (this.dims.length) this.ui.dimension = this.dims[0][0];
    if (this.ui.dimension) this.loadValues();
    const answer = await this.metrics.load(async (signal) => api.metrics({ ...(await this.range(signal)), dims, compare }, signal));
    if (!answer) return;
    announce(store.t('board.loaded', { range: store.format.range(answer.from, answer.to) }));
    this.loadChosen();
  }

  loadChosen() {
    const chosen = this.chosen();
    if (!chosen) return;
    const { from, to } = this.metrics.data;
    const dims = encodeDims(this.dims);
    const { compare } = this;
    this.series.load((signal) => api.series(chosen.key, { from, to, dims, compare, grain: this.params.grain }, signal));
    this.loadTable();
  }

  /** The metrics of the table: the chosen one first, then others of the same source that have the dimension. */
  tableMetrics() {
    const chosen = this.chosen();
    const { by } = this;
    const keys = this.metrics.data.metrics.map((/** @type {any} */ m) => m.key)
      .filter((/** @type {string} */ key) => this.sameSource(key, chosen.key) && (by === 'date' || this.entry(key)?.dimensions.includes(by)));
    return [...new Set([chosen.key, ...keys])].slice(0, TABLE_METRICS);
  }

  /** @param {string} a @param {string} b */
  sameSource(a, b) {
    const ids = (/** @type {string} */ key) => (this.entry(key)?.sources ?? []).map((/** @type {any} */ s) => s.id);
    return ids(a).some((/** @type {string} */ id) => ids(b).includes(id));
  }

  loadTable() {
    const { from, to } = this.metrics.data;
    const cursor = this.cursors.at(-1);
    const { by, sort } = this;
    const grain = by === 'date' ? this.tableGrain : null;
    const query = { metrics: this.tableMetrics().join(','), by, from, to, dims: encodeDims(this.dims), sort, limit: PAGE, cursor, grain };
    // The answer keeps what was asked: while a new one loads the old rows are still shown, by their own dimension.
    const shown = { by, grain: this.tableGrain };
    this.table.load(async (signal) => ({ ...(await api.table(query, signal)), ...shown }));
  }

  loadValues() {
    const name = this.ui.dimension;
    const keys = [this.chosen()?.key, ...(this.catalog.data?.items ?? []).map((/** @type {any} */ i) => i.key)];
    const key = keys.find((k) => k && this.entry(k)?.dimensions.includes(name));
    if (key) this.values.load((signal) => api.metric(key, signal));
  }

  /** Something in the address changed: fetch what depends on it. @param {Location} location */
  update({ params }) {
    const before = this.params;
    this.params = params;
    const differs = (/** @type {string[]} */ names) => names.some((name) => before[name] !== params[name]);
    if (differs(['range', 'from', 'to', 'dims', 'compare'])) this.load();
    else if (!this.metrics.data) this.draw();
    else if (differs(['metric', 'grain'])) {
      this.cursors = [null];
      this.loadChosen();
    } else if (differs(['by', 'sort'])) {
      this.cursors = [null];
      this.loadTable();
    }
    this.draw();
  }

  /** @param {1|-1} step */
  turn = (step) => {
    this.cursors = step > 0 ? [...this.cursors, this.table.data?.next_cursor ?? null] : this.cursors.slice(0, -1);
    this.loadTable();
  };

  stop() {
    for (const resource of [this.catalog, this.metrics, this.series, this.table, this.values]) resource.stop();
  }
}
