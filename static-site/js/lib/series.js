// Turns an answer of /api/series into what a chart and its twin table need: every bucket in order, gaps as null.
import { buckets } from './dates.js';

/** @typedef {import('./dates.js').Grain} Grain */
/** @typedef {{t: string, value: number|null, provisional?: boolean}} Point */
/** @typedef {{dims: Record<string, string>, currency: string|null, other?: boolean, total: number|null, points: Point[]}} Series */
/** @typedef {{mode: string, from: string, to: string, series: Series[]}} Comparison */
/**
 * @typedef {object} SeriesAnswer
 * @property {{key: string, name: string, unit: string, additivity: string, good_direction: string}} metric
 * @property {Grain} grain
 * @property {string} from
 * @property {string} to
 * @property {string} now
 * @property {Series[]} series
 * @property {Comparison|null} compare
 * @property {string} [reason] why there is no series
 * @property {Partial<import('./freshness.js').Freshness>} freshness
 */
/**
 * @typedef {object} Row one bucket
 * @property {string} t
 * @property {number|null} value null is a gap
 * @property {boolean} provisional
 * @property {string|null} before the bucket compared with
 * @property {number|null} previous
 */

/** A metric's name in addresses: money has one per currency. @param {{key: string, currency?: string|null}} metric */
export const metricId = (metric) => (metric.currency ? `${metric.key}:${metric.currency}` : metric.key);

/** @param {string} id @returns {{key: string, currency: string|null}} */
export function parseMetricId(id) {
  const found = /^(.*):([A-Z]{3})$/.exec(id);
  return found ? { key: found[1], currency: found[2] } : { key: id, currency: null };
}

/** @param {Series[]|undefined} all @param {string|null} currency */
const pick = (all, currency) => (all ?? []).find((s) => !currency || s.currency === currency) ?? null;

/** All buckets of a range with their points. @param {Series|null} series @param {string} from @param {string} to @param {Grain} grain */
function fill(series, from, to, grain) {
  const points = new Map((series?.points ?? []).map((p) => [p.t, p]));
  // The first point tells on which weekday the tenant's weeks begin.
  return buckets(from, to, grain, series?.points[0]?.t).map((t) => points.get(t) ?? { t, value: null, provisional: false });
}

/** @param {SeriesAnswer} answer @param {string|null} currency @returns {Row[]} */
export function rows(answer, currency) {
  const current = fill(pick(answer.series, currency), answer.from, answer.to, answer.grain);
  const past = answer.compare ? fill(pick(answer.compare.series, currency), answer.compare.from, answer.compare.to, answer.grain) : [];
  return current.map((point, i) => ({
    t: point.t,
    value: point.value ?? null,
    provisional: Boolean(point.provisional),
    before: past[i]?.t ?? null,
    previous: past[i]?.value ?? null,
  }));
}

/** The total of one currency, as the server computed it; never added up here. @param {SeriesAnswer} answer @param {string|null} currency */
export const total = (answer, currency) => pick(answer.series, currency)?.total ?? null;

/** True when there is not one value to draw. @param {Row[]} all */
export const isEmpty = (all) => all.every((row) => row.value === null);

/** True when there is something to compare with. @param {Row[]} all */
export const hasPast = (all) => all.some((row) => row.previous !== null);

/** Highest, lowest and first provisional bucket. Provisional ones are no extremes: they still grow. @param {Row[]} all */
export function highlights(all) {
  const settled = all.filter((row) => row.value !== null && !row.provisional);
  const by = (/** @type {(a: number, b: number) => boolean} */ better) =>
    settled.reduce((best, row) => (best === null || better(Number(row.value), Number(best.value)) ? row : best), /** @type {Row|null} */ (null));
  return {
    high: by((a, b) => a > b),
    low: by((a, b) => a < b),
    provisional: all.find((row) => row.provisional)?.t ?? null,
    gaps: all.filter((row) => row.value === null).length,
  };
}
