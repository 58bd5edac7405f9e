// Reads the head of a CSV file in the browser, to show at once what another delimiter, decimal mark or encoding would give.
// The server reads the file again and decides; this is a preview only. Pure.

/** @typedef {{name: string, kind: 'date'|'number'|'text', sample: string[], date_format: string|null, grain?: string|null}} Column */

const SAMPLES = 5;

/** Splits CSV text into records, quotes respected. @param {string} text @param {string} delimiter @param {number} [limit] records at most */
export function splitCsv(text, delimiter, limit = 200) {
  const records = [];
  let record = [''];
  let quoted = false;
  for (let i = 0; i < text.length && records.length < limit; i += 1) {
    const c = text[i];
    const last = record.length - 1;
    if (quoted && c === '"' && text[i + 1] === '"') record[last] += text[(i += 1)];
    else if (c === '"' && (quoted || record[last] === '')) quoted = !quoted;
    else if (!quoted && c === delimiter) record.push('');
    else if (!quoted && (c === '\n' || c === '\r')) {
      if (c === '\r' && text[i + 1] === '\n') i += 1;
      if (record.length > 1 || record[0] !== '') records.push(record);
      record = [''];
    } else record[last] += c;
  }
  if (records.length < limit && (record.length > 1 || record[0] !== '')) records.push(record);
  return records;
}

/** @param {string} cell @param {string} decimal */
export function isNumber(cell, decimal) {
  const group = decimal === ',' ? '[. \u00a0\u202f\']' : '[, \u00a0\u202f\']';
  const mark = decimal === ',' ? ',' : '\\.';
  return new RegExp(`^[+-]?(\\d+|\\d{1,3}(${group}\\d{3})+)(${mark}\\d+)?([eE][+-]?\\d+)?$`).test(cell.trim());
}

/** Formats offered for dates, with the shape that each one matches. @type {Array<[string, RegExp]>} */
export const DATE_FORMATS = [
  ['%Y-%m-%d', /^\d{4}-\d{2}-\d{2}$/],
  ['%Y/%m/%d', /^\d{4}\/\d{1,2}\/\d{1,2}$/],
  ['%d/%m/%Y', /^(0?[1-9]|[12]\d|3[01])\/(0?[1-9]|1[0-2])\/\d{4}$/],
  ['%m/%d/%Y', /^(0?[1-9]|1[0-2])\/(0?[1-9]|[12]\d|3[01])\/\d{4}$/],
  ['%d-%m-%Y', /^\d{1,2}-\d{1,2}-\d{4}$/],
  ['%d.%m.%Y', /^\d{1,2}\.\d{1,2}\.\d{4}$/],
  ['%b %d %Y', /^[A-Za-z]{3} \d{1,2} \d{4}$/],
  ['%Y-%m', /^\d{4}-\d{2}$/],
  ['%Y', /^(1[6-9]|2[01])\d{2}$/],
];

/** The first format that fits every cell. @param {string[]} cells */
export const guessFormat = (cells) => DATE_FORMATS.find(([, shape]) => cells.every((cell) => shape.test(cell)))?.[0] ?? null;

const isGap = (/** @type {string} */ cell) => /^(|na|n\/a|nan|null|none|-)$/i.test(cell.trim());

/** @param {string} name @param {string[]} cells @param {string} decimal @returns {Column} */
function column(name, cells, decimal) {
  const filled = cells.map((cell) => cell.trim()).filter((cell) => !isGap(cell));
  const sample = [...new Set(filled)].slice(0, SAMPLES);
  const format = filled.length ? guessFormat(filled) : null;
  const year = format === '%Y' && !/^(a[nñ]o|year|fecha|date)$/i.test(name.trim());
  if (format && !year) return { name, kind: 'date', sample, date_format: format };
  const number = filled.length > 0 && filled.every((cell) => isNumber(cell, decimal));
  return { name, kind: number ? 'number' : 'text', sample, date_format: null };
}

/** Columns of the head of a file under the given reading. @param {string} text @param {string} delimiter @param {string} decimal @returns {Column[]} */
export function readSample(text, delimiter, decimal) {
  const [header = [], ...records] = splitCsv(text.replace(/^\ufeff/, ''), delimiter);
  return header.map((name, i) => column(name.trim(), records.map((record) => record[i] ?? ''), decimal));
}

/** Decodes the first bytes of a file; an unknown encoding name falls back to UTF-8. @param {ArrayBuffer} bytes @param {string} encoding */
export function decode(bytes, encoding) {
  try {
    return new TextDecoder(encoding).decode(bytes);
  } catch {
    return new TextDecoder('utf-8').decode(bytes);
  }
}
