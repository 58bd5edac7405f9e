// Values, dates and differences as people read them. Numbers follow the tenant's locale, words the language of the page.
import { addDays, dayMs, nextBucket } from './dates.js';

/** @typedef {import('./dates.js').Grain} Grain */
/** @typedef {{kind: 'percent'|'points'|'new'|'none', value: number|null}} Delta */
/** @typedef {{lang: string, locale?: string|null, currency?: string|null, zone?: string|null}} Settings */

/** @template T @param {() => T} make @param {() => T} otherwise */
const attempt = (make, otherwise) => {
  try {
    return make();
  } catch {
    return otherwise();
  }
};

/** Decimals that do these values justice: counts one at most, other units by their size. @param {Array<number|null|undefined>} values @param {string} unit */
export function decimals(values, unit) {
  const known = values.filter((v) => typeof v === 'number');
  if (known.every(Number.isInteger)) return 0;
  const largest = Math.max(...known.map(Math.abs));
  return unit === 'count' || largest >= 1000 ? 1 : largest >= 1 ? 2 : 3;
}

/** Formatter for one tenant and one language. */
export class Format {
  /** @param {Settings} settings */
  constructor({ lang, locale, currency, zone }) {
    const known = locale ? attempt(() => Intl.getCanonicalLocales(locale)[0], () => undefined) : undefined;
    this.numberLocale = known ?? (lang === 'en' ? 'en-GB' : 'es-ES');
    // Month names must be in the page's language, whatever the tenant's numbers look like.
    this.dateLocale = known?.startsWith(lang) ? known : lang === 'en' ? 'en-GB' : 'es-ES';
    this.currency = currency ?? null;
    this.zone = attempt(() => (new Intl.DateTimeFormat('en', { timeZone: zone ?? 'UTC' }), zone ?? 'UTC'), () => 'UTC');
    /** @type {Map<string, Intl.NumberFormat>} */
    this.cache = new Map();
  }

  /** @param {Intl.NumberFormatOptions} options */
  number(options) {
    const key = JSON.stringify(options);
    let format = this.cache.get(key);
    // `always`: Spanish would otherwise leave four-digit numbers ungrouped and columns uneven.
    if (!format) this.cache.set(key, (format = new Intl.NumberFormat(this.numberLocale, { useGrouping: 'always', ...options })));
    return format;
  }

  /**
   * A value with its unit: `count`, `percent` (a fraction), `currency`, `seconds` or any text. Null is a dash.
   * @param {number|null|undefined} value @param {string} unit @param {string|null} [currency] @param {number} [digits] decimals, where a column wants them equal
   */
  value(value, unit, currency, digits) {
    if (value === null || value === undefined) return '–';
    if (unit === 'percent') return this.number({ style: 'percent', maximumFractionDigits: 1, minimumFractionDigits: 1 }).format(value);
    if (unit === 'currency') return this.money(value, currency ?? this.currency);
    if (unit === 'seconds') return this.duration(value);
    const equal = digits === undefined ? { maximumFractionDigits: decimals([value], unit) } : { minimumFractionDigits: digits, maximumFractionDigits: digits };
    const text = this.number(equal).format(value);
    return unit && unit !== 'count' ? `${text}\u00a0${unit}` : text;
  }

  /** @param {number} value @param {string|null} currency */
  money(value, currency) {
    if (!currency) return this.number({ minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);
    return attempt(
      () => this.number({ style: 'currency', currency }).format(value),
      () => `${this.number({ maximumFractionDigits: 2 }).format(value)}\u00a0${currency}`,
    );
  }

  /** @param {number} seconds */
  duration(seconds) {
    const whole = Math.round(seconds);
    if (Math.abs(whole) < 60) return `${this.number({ maximumFractionDigits: 1 }).format(seconds)}\u00a0s`;
    const minutes = Math.trunc(whole / 60);
    if (Math.abs(minutes) < 60) return `${minutes}\u00a0min ${String(Math.abs(whole % 60)).padStart(2, '0')}\u00a0s`;
    return `${this.number({}).format(Math.trunc(minutes / 60))}\u00a0h ${String(Math.abs(minutes % 60)).padStart(2, '0')}\u00a0min`;
  }

  /** Distance of the lines of an axis of time: whole minutes and hours, not 50 seconds. Undefined leaves it to the chart. @param {number} highest @param {string} unit */
  step(highest, unit) {
    if (unit !== 'seconds') return undefined;
    return [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200].find((step) => highest / step <= 5);
  }

  /** A short value for a chart's axis. @param {number} value @param {string} unit @param {string|null} [currency] */
  axis(value, unit, currency) {
    if (unit === 'percent') return this.number({ style: 'percent', maximumFractionDigits: 1 }).format(value);
    if (unit === 'seconds') return this.duration(value);
    const compact = Math.abs(value) >= 10_000 ? /** @type {const} */ ({ notation: 'compact', maximumFractionDigits: 1 }) : { maximumFractionDigits: 2 };
    const code = currency ?? this.currency;
    if (unit === 'currency' && code) {
      return attempt(() => this.number({ style: 'currency', currency: code, minimumFractionDigits: 0, ...compact }).format(value), () => String(value));
    }
    return this.number(compact).format(value);
  }

  /**
   * A difference with its sign, or null where there is nothing to compare ("new" has words of its own).
   * @param {Delta|null|undefined} delta @param {string} points the short word for percentage points
   */
  delta(delta, points) {
    if (!delta || delta.value === null || delta.kind === 'none' || delta.kind === 'new') return null;
    const number = this.number({ signDisplay: 'exceptZero', minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(delta.value);
    return delta.kind === 'points' ? `${number}\u00a0${points}` : `${number}\u00a0%`;
  }

  /** @param {Intl.DateTimeFormatOptions} options */
  date(options) {
    return new Intl.DateTimeFormat(this.dateLocale, { timeZone: 'UTC', ...options });
  }

  /** `23 nov 2026` @param {string} day */
  day(day) {
    return this.date({ day: 'numeric', month: 'short', year: 'numeric' }).format(dayMs(day));
  }

  /** `27 oct – 23 nov 2026`. The year is left out where `short` and it is the year of `today`. @param {string} from @param {string} to @param {string} [today] */
  range(from, to, today) {
    const short = today !== undefined && from.slice(0, 4) === to.slice(0, 4) && to.slice(0, 4) === today.slice(0, 4);
    const format = this.date(short ? { day: 'numeric', month: 'short' } : { day: 'numeric', month: 'short', year: 'numeric' });
    return from === to ? format.format(dayMs(from)) : format.formatRange(dayMs(from), dayMs(to));
  }

  /** The name of a bucket: a day, a week by its first day, a month, a quarter, a year. @param {string} start @param {Grain} grain @param {boolean} [long] */
  bucket(start, grain, long = false) {
    const ms = dayMs(start);
    if (grain === 'year') return start.slice(0, 4);
    if (grain === 'quarter') return `${this.dateLocale.startsWith('en') ? 'Q' : 'T'}${Math.ceil(Number(start.slice(5, 7)) / 3)} ${start.slice(0, 4)}`;
    if (grain === 'month') return this.date({ month: long ? 'long' : 'short', year: 'numeric' }).format(ms);
    if (grain === 'week' && long) return this.range(start, addDays(nextBucket(start, 'week'), -1));
    if (long) return this.date({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).format(ms);
    return this.date({ day: 'numeric', month: 'short' }).format(ms);
  }

  /** An instant in the tenant's zone, to the minute. @param {string|number} instant */
  instant(instant) {
    return new Intl.DateTimeFormat(this.dateLocale, { dateStyle: 'medium', timeStyle: 'short', timeZone: this.zone }).format(new Date(instant));
  }

  /** The time of day in the tenant's zone, to the second. @param {string|number} instant */
  clock(instant) {
    return new Intl.DateTimeFormat(this.dateLocale, { timeStyle: 'medium', timeZone: this.zone }).format(new Date(instant));
  }

  /** "hace 12 min", "in 5 min". @param {number} ms positive = in the past @param {string} justNow */
  ago(ms, justNow) {
    const minutes = Math.trunc(ms / 60_000);
    if (Math.abs(minutes) < 1) return justNow;
    const format = new Intl.RelativeTimeFormat(this.dateLocale, { numeric: 'always', style: 'short' });
    if (Math.abs(minutes) < 60) return format.format(-minutes, 'minute');
    const hours = Math.trunc(minutes / 60);
    if (Math.abs(hours) < 48) return format.format(-hours, 'hour');
    const days = Math.trunc(hours / 24);
    return Math.abs(days) < 60 ? format.format(-days, 'day') : format.format(-Math.trunc(days / 30), 'month');
  }
}
