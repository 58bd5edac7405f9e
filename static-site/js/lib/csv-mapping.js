// From the preview of a CSV file to the mapping that the import wants, and back from its field errors. Pure.

/** @typedef {import('./csv-sample.js').Column} Column */
/** @typedef {{delimiter: string, decimal: string, encoding: string, columns: Column[], rows: number}} Preview */
/** @typedef {{column: string, role: 'metric'|'dimension'|'date'|'ignore', key: string, name: string, unit: string, own: boolean, additivity: string}} Choice */
/** @typedef {{date: string, format: string, grain: string, choices: Choice[], on_error: 'skip'|'abort', replace: boolean, delimiter: string, decimal: string, encoding: string}} Draft */
/** @typedef {{field: string, code: string}} Problem */

export const ADDITIVITIES = ['sum', 'mean', 'last', 'unique'];
export const GRAINS = ['day', 'month', 'year'];
const KEY = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
/** Headers whose numbers make no sense added up; only the first suggestion, a person decides. */
const AVERAGED = /temp|avg|average|mean|media|promedio|rate|tasa|ratio|wind|viento|speed|pressure|humid|precio|price|score|grade|nota|%/i;
const RESERVED = /^(ga4|stripe)\./;

/** A stable key from a header: lower case ASCII, words joined by `_`, unique among `taken`. @param {string} header @param {Set<string>} [taken] */
export function keyFor(header, taken = new Set()) {
  const plain = header.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase();
  let base = plain.replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 60);
  if (!/^[a-z]/.test(base)) base = `m_${base}`.replace(/_+$/, '');
  let key = base;
  for (let n = 2; taken.has(key); n += 1) key = `${base}_${n}`;
  taken.add(key);
  return key;
}

/** @param {string} header */
const nameFor = (header) => {
  const text = header.replace(/[_-]+/g, ' ').replace(/\s+/g, ' ').trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** @param {string|null} format */
const grainOf = (format) => (format === '%Y' ? 'year' : format && !/%[dej]/.test(format) ? 'month' : 'day');

/** What the wizard shows first: date, numbers and texts as found. @param {Preview} preview @returns {Draft} */
export function draftFrom(preview) {
  const date = preview.columns.find((c) => c.kind === 'date') ?? preview.columns[0];
  const taken = new Set();
  const choices = preview.columns.map((c) => {
    /** @type {Choice['role']} */
    const role = c === date ? 'date' : c.kind === 'number' ? 'metric' : c.kind === 'text' && c.sample.length ? 'dimension' : 'ignore';
    return { column: c.name, role, key: keyFor(c.name, taken), name: nameFor(c.name), unit: 'count', own: false, additivity: AVERAGED.test(c.name) ? 'mean' : 'sum' };
  });
  const format = date?.date_format ?? '%Y-%m-%d';
  return {
    date: date?.name ?? '', format, grain: date?.grain ?? grainOf(format), choices, on_error: 'skip', replace: false,
    delimiter: preview.delimiter, decimal: preview.decimal, encoding: preview.encoding,
  };
}

/** Makes a column the date; the old one is ignored from then on. @param {Draft} draft @param {Column} column @returns {Draft} */
export function withDate(draft, column) {
  const format = column.date_format ?? draft.format;
  const choices = draft.choices.map((choice) => {
    if (choice.column === column.name) return { ...choice, role: /** @type {const} */ ('date') };
    return choice.role === 'date' ? { ...choice, role: /** @type {const} */ ('ignore') } : choice;
  });
  return { ...draft, date: column.name, format, grain: column.grain ?? grainOf(format), choices };
}

/** What would be refused, found before the upload. @param {Draft} draft @returns {Problem[]} */
export function problems(draft) {
  /** @type {Problem[]} */
  const found = [];
  const metrics = draft.choices.filter((c) => c.role === 'metric');
  if (!draft.date) found.push({ field: 'date', code: 'no_date' });
  if (!draft.format.includes('%')) found.push({ field: 'format', code: 'bad_format' });
  if (!metrics.length) found.push({ field: 'metrics', code: 'no_metric' });
  if (metrics.length > 20) found.push({ field: 'metrics', code: 'too_many_metrics' });
  if (draft.choices.filter((c) => c.role === 'dimension').length > 5) found.push({ field: 'dimensions', code: 'too_many_dimensions' });
  const seen = new Set();
  for (const metric of metrics) {
    const key = metric.key.trim();
    if (!KEY.test(key)) found.push({ field: `${metric.column}.key`, code: 'bad_key' });
    else if (RESERVED.test(key)) found.push({ field: `${metric.column}.key`, code: 'reserved_key' });
    else if (seen.has(key)) found.push({ field: `${metric.column}.key`, code: 'same_key' });
    seen.add(key);
    if (!metric.name.trim()) found.push({ field: `${metric.column}.name`, code: 'no_name' });
    if ([...metric.unit.trim()].length > 16) found.push({ field: `${metric.column}.unit`, code: 'bad_unit' });
  }
  return found;
}

/** The `mapping` part of the upload. @param {Draft} draft */
export function mappingFrom(draft) {
  const metrics = draft.choices.filter((c) => c.role === 'metric');
  return {
    delimiter: draft.delimiter,
    decimal: draft.decimal,
    encoding: draft.encoding,
    date: { column: draft.date, format: draft.format },
    grain: draft.grain,
    metrics: metrics.map((c) => ({ column: c.column, key: c.key.trim(), name: c.name.trim(), unit: c.unit.trim(), additivity: c.additivity })),
    dimensions: draft.choices.filter((c) => c.role === 'dimension').map((c) => c.column),
    on_error: draft.on_error,
    replace: draft.replace,
  };
}
