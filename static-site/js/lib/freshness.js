// How old a figure is, and whether that is too old. Pure: the answer's own clock is an argument.
import { dayInZone, daysBetween } from './dates.js';

/**
 * @typedef {object} Freshness
 * @property {string|null} data_through last complete period
 * @property {string|null} fetched_at
 * @property {string|null} next_due
 * @property {string|null} provisional_from
 * @property {string} status
 * @property {boolean} [late] older than its source's own rhythm lets expect
 */
/** @typedef {{stale: boolean, why: 'late'|'old_data'|'source'|null, ageMs: number|null}} Verdict */

/** Days that the last complete period may lie back before we call it old; one missed run is no alarm. @type {Record<string, number>} */
const PATIENCE_DAYS = { day: 3, week: 10, month: 45, quarter: 120, year: 400 };
const LATE_MS = 60 * 60_000;
const STOPPED = new Set(['error', 'needs_reauth', 'paused']);

/**
 * @param {Partial<Freshness>|null|undefined} freshness @param {number} nowMs @param {string|undefined} zone @param {string} [grain] the grain stored
 * @returns {Verdict}
 */
export function judge(freshness, nowMs, zone, grain = 'day') {
  const fetched = freshness?.fetched_at ? Date.parse(freshness.fetched_at) : null;
  const ageMs = fetched === null ? null : Math.max(0, nowMs - fetched);
  /** @param {Verdict['why']} why */
  const verdict = (why) => ({ stale: why !== null, why, ageMs });
  if (!freshness || (fetched === null && !freshness.data_through)) return verdict(null);
  if (freshness.status && STOPPED.has(freshness.status)) return verdict('source');
  if (freshness.late) return verdict('late');
  if (freshness.next_due && nowMs - Date.parse(freshness.next_due) > LATE_MS) return verdict('late');
  if (freshness.data_through) {
    const behind = daysBetween(freshness.data_through, dayInZone(nowMs, zone)) - 1;
    if (behind > (PATIENCE_DAYS[grain] ?? PATIENCE_DAYS.day)) return verdict('old_data');
  }
  return verdict(null);
}

/** The worst of several: a board is as fresh as its oldest widget. @param {Array<Partial<Freshness>|null|undefined>} all @returns {Partial<Freshness>|null} */
export function oldest(all) {
  const known = all.filter((f) => f && f.fetched_at);
  if (!known.length) return null;
  return known.reduce((worst, f) => (Date.parse(/** @type {any} */ (f).fetched_at) < Date.parse(/** @type {any} */ (worst).fetched_at) ? f : worst)) ?? null;
}
