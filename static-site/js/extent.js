// The whole range of days for which a metric has data. The API has no route for it; the yearly series tells the first year.
import { api } from './api.js';
import { addDays } from './lib/dates.js';

const SPAN_YEARS = [10, 20, 60];

/**
 * From the first day with data to the last, or null when there is none.
 * @param {string} key metric @param {string|null} through last complete day, from the freshness @param {AbortSignal} signal
 * @returns {Promise<{from: string, to: string}|null>}
 */
export async function extent(key, through, signal) {
  if (!through) return null;
  const to = through;
  /** @type {string|null} */
  let year = null;
  for (const span of SPAN_YEARS) {
    const first = Number(to.slice(0, 4)) - span;
    try {
      const answer = await api.series(key, { from: `${first}-01-01`, to, grain: 'year' }, signal);
      year = answer.series.flatMap((/** @type {any} */ s) => s.points.map((/** @type {any} */ p) => p.t)).sort()[0] ?? year;
      // Data that begins after the first year asked for has no earlier part.
      if (year && Number(year.slice(0, 4)) > first) break;
    } catch (error) {
      // A longer range than the server allows: what was found so far stands.
      if (/** @type {any} */ (error).code !== 'range_too_long') throw error;
      break;
    }
  }
  if (!year) return null;
  const end = addDays(`${Number(year.slice(0, 4)) + 1}-01-01`, -1);
  const days = await api.series(key, { from: `${year.slice(0, 4)}-01-01`, to: end, grain: 'day' }, signal).catch(() => null);
  const first = days?.series.flatMap((/** @type {any} */ s) => s.points.map((/** @type {any} */ p) => p.t)).sort()[0];
  return { from: first ?? `${year.slice(0, 4)}-01-01`, to };
}
