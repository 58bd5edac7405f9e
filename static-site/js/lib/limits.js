// What a company may use and how near to it it is. Pure.

/** @typedef {{sources: number, datapoints: number, users: number, exports_per_day: number, min_cadence_minutes: number}} Limits */
/** @typedef {{sources: number, datapoints: number, users: number, exports_today: number}} Use */
/** @typedef {keyof Limits} LimitKey */

/** Limits that are used up, and the name of their use. @type {Array<[LimitKey, keyof Use]>} */
export const METERS = [['sources', 'sources'], ['users', 'users'], ['datapoints', 'datapoints'], ['exports_per_day', 'exports_today']];
/** @type {LimitKey[]} */
export const LIMITS = ['sources', 'users', 'datapoints', 'exports_per_day', 'min_cadence_minutes'];
export const WARN_AT = 0.8;

/** @param {number} used @param {number} limit @returns {{share: number, tone: 'good'|'warn'|'bad'}} a limit of 0 is full */
export function level(used, limit) {
  const share = limit > 0 ? used / limit : 1;
  return { share, tone: share >= 1 ? 'bad' : share >= WARN_AT ? 'warn' : 'good' };
}

/** The meters of a company, as the lists above say. @param {Limits} limits @param {Use} use */
export const meters = (limits, use) => METERS.map(([key, name]) => ({ key, used: use[name] ?? 0, limit: limits[key], ...level(use[name] ?? 0, limits[key]) }));

/** The limit that is nearest to being reached. @param {Limits} limits @param {Use} use */
export const nearest = (limits, use) => meters(limits, use).reduce((worst, one) => (one.share > worst.share ? one : worst));

/**
 * What a form of overrides changes: a number where one was typed, null where one was taken away; nothing where it is as before.
 * @param {Partial<Record<LimitKey, number>>} before @param {Partial<Record<LimitKey, string>>} typed
 * @returns {{changes: Partial<Record<LimitKey, number|null>>, wrong: LimitKey[]}}
 */
export function overrides(before, typed) {
  /** @type {Partial<Record<LimitKey, number|null>>} */
  const changes = {};
  /** @type {LimitKey[]} */
  const wrong = [];
  for (const key of LIMITS) {
    const text = (typed[key] ?? '').trim();
    if (text === '') {
      if (before[key] !== undefined && before[key] !== null) changes[key] = null;
    } else if (!/^\d{1,12}$/.test(text)) wrong.push(key);
    else if (Number(text) !== before[key]) changes[key] = Number(text);
  }
  return { changes, wrong };
}
