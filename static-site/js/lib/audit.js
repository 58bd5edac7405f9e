// What an entry of the audit changed, and the actions in groups. Pure.

/** @typedef {{name: string, before: string|null, after: string|null, changed: boolean}} DiffRow a null side did not have the field */

/** A value as text: objects flattened by the caller, lists with commas. @param {unknown} value */
function plain(value) {
  if (Array.isArray(value)) return value.map((one) => (typeof one === 'object' ? JSON.stringify(one) : String(one))).join(', ');
  return String(value);
}

/** `{limits: {users: 5}}` → `limits.users`. @param {Record<string, unknown>} object @param {string} [prefix] @returns {Array<[string, unknown]>} */
export function flatten(object, prefix = '') {
  return Object.entries(object).flatMap(([key, value]) =>
    (value !== null && typeof value === 'object' && !Array.isArray(value)
      ? flatten(/** @type {Record<string, unknown>} */ (value), `${prefix}${key}.`)
      : /** @type {Array<[string, unknown]>} */ ([[`${prefix}${key}`, value]])));
}

/** The two sides by field, changed ones first. @param {Record<string, unknown>|null} before @param {Record<string, unknown>|null} after @returns {DiffRow[]} */
export function diffRows(before, after) {
  const left = new Map(flatten(before ?? {}));
  const right = new Map(flatten(after ?? {}));
  const side = (/** @type {Map<string, unknown>} */ map, /** @type {string} */ name) => (map.has(name) ? plain(map.get(name)) : null);
  const rows = [...new Set([...left.keys(), ...right.keys()])].map((name) => {
    const row = { name, before: side(left, name), after: side(right, name) };
    return { ...row, changed: row.before !== row.after };
  });
  return [...rows.filter((row) => row.changed), ...rows.filter((row) => !row.changed)];
}

/** The actions by what stands before the dot, in the order given. @param {string[]} actions @returns {Array<[string, string[]]>} */
export function groups(actions) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const action of actions) {
    const group = action.split('.')[0];
    found.set(group, [...(found.get(group) ?? []), action]);
  }
  return [...found];
}

/** Days of the address that can be asked for, and what is wrong with them. @param {{from?: string, to?: string}} days @param {(day: string) => boolean} isDay */
export function dayFilter({ from, to }, isDay) {
  const kept = { from: from && isDay(from) ? from : null, to: to && isDay(to) ? to : null };
  return { ...kept, reversed: Boolean(kept.from && kept.to && kept.from > kept.to) };
}
