// Calendar dates as `YYYY-MM-DD` strings. Pure: "now" is always an argument, the zone is the tenant's.

const DAY_MS = 86_400_000;

/** @typedef {'day'|'week'|'month'|'quarter'|'year'} Grain */
/** @typedef {{from: string, to: string}} DayRange both ends included */

/** True for an existing calendar date written `YYYY-MM-DD`. @param {unknown} text @returns {text is string} */
export function isDay(text) {
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text;
}

/** Milliseconds of midnight UTC of a day; only for arithmetic and formatting in UTC. @param {string} day */
export const dayMs = (day) => Date.parse(`${day}T00:00:00Z`);

/** @param {number} ms */
const toDay = (ms) => new Date(ms).toISOString().slice(0, 10);

/** @param {string} day @param {number} n */
export const addDays = (day, n) => toDay(dayMs(day) + n * DAY_MS);

/** The same day `n` months later, or that month's last day. @param {string} day @param {number} n */
export function addMonths(day, n) {
  const [year, month, date] = day.split('-').map(Number);
  const first = new Date(Date.UTC(year, month - 1 + n, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return toDay(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), Math.min(date, last)));
}

/** Days from `from` to `to`, both counted. @param {string} from @param {string} to */
export const daysBetween = (from, to) => Math.round((dayMs(to) - dayMs(from)) / DAY_MS) + 1;

/** The calendar date of an instant in a zone; UTC where the zone is unknown. @param {number} ms @param {string} [zone] */
export function dayInZone(ms, zone) {
  const options = /** @type {const} */ ({ year: 'numeric', month: '2-digit', day: '2-digit' });
  const format = (/** @type {string} */ timeZone) => new Intl.DateTimeFormat('en-CA', { ...options, timeZone }).format(ms);
  try {
    return format(zone ?? 'UTC');
  } catch {
    return format('UTC');
  }
}

/** First day of the next bucket. @param {string} start @param {Grain} grain */
export function nextBucket(start, grain) {
  if (grain === 'day') return addDays(start, 1);
  if (grain === 'week') return addDays(start, 7);
  return addMonths(start, grain === 'month' ? 1 : grain === 'quarter' ? 3 : 12);
}

/**
 * First day of the bucket that holds `day`. `anchor` is the start of any known week (the server knows the tenant's week start).
 * @param {string} day @param {Grain} grain @param {string} [anchor] default: a Monday
 */
export function bucketStart(day, grain, anchor = '2024-01-01') {
  if (grain === 'day') return day;
  if (grain === 'week') {
    const past = (daysBetween(anchor, day) - 1) % 7;
    return addDays(day, -((past + 7) % 7));
  }
  const [year, month] = day.split('-').map(Number);
  if (grain === 'year') return `${day.slice(0, 4)}-01-01`;
  const first = grain === 'quarter' ? month - ((month - 1) % 3) : month;
  return toDay(Date.UTC(year, first - 1, 1));
}

/** Starts of all buckets that touch a range, so that a missing one can be drawn as a gap. @param {string} from @param {string} to @param {Grain} grain @param {string} [anchor] */
export function buckets(from, to, grain, anchor) {
  const starts = [];
  for (let start = bucketStart(from, grain, anchor); start <= to; start = nextBucket(start, grain)) starts.push(start);
  return starts;
}

/** Names of the ranges that follow the calendar. `all` is not here: it depends on the data. */
export const PRESETS = /** @type {const} */ (['7d', '28d', '90d', 'month', 'last_month', 'year']);

/**
 * The dates of a preset. "Last n days" ends yesterday (complete days); month and year run to today.
 * @param {string} name @param {string} today @returns {DayRange|null}
 */
export function presetRange(name, today) {
  const days = /^(7|28|90)d$/.exec(name);
  if (days) return { from: addDays(today, -Number(days[1])), to: addDays(today, -1) };
  const month = bucketStart(today, 'month');
  if (name === 'month') return { from: month, to: today };
  if (name === 'last_month') return { from: addMonths(month, -1), to: addDays(month, -1) };
  if (name === 'year') return { from: bucketStart(today, 'year'), to: today };
  return null;
}
