// The table of a dimension: sortable, with totals, in pages.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { decimals } from '../lib/format.js';
import { store } from '../store.js';
import { badge } from './badge.js';
import { empty, failed, skeleton } from './faces.js';

/** @typedef {{key: string, name: string, unit: string, currency: string|null}} Column */
/** @typedef {{by: string, grain: string, from: string, to: string, columns: Column[], rows: Array<{dims: Record<string, string>, values: Record<string, number|null>}>, totals: Record<string, number|null>, next_cursor: string|null, freshness: any}} TableAnswer */
/**
 * @typedef {object} Options
 * @property {import('../resource.js').Resource<TableAnswer>} resource
 * @property {string[]} dimensions what may be chosen; `date` is time itself
 * @property {string} by
 * @property {string} sort column with a leading `-` for descending
 * @property {number} page from 0
 * @property {(by: string) => void} chooseBy
 * @property {(sort: string) => void} chooseSort
 * @property {(step: 1|-1) => void} turn
 * @property {(() => void)|null} clearFilter
 * @property {(dimension: string, value: string) => void} filterBy
 */

/** A name for a dimension: our word for the known ones, the source's own word otherwise. @param {string} name */
export function dimensionName(name) {
  const key = `dim.${name}`;
  const words = store.t(key);
  return words === key ? name : words;
}

/** @param {string} value */
export const dimensionValue = (value) => (value === '' || value === '(not set)' ? store.t('dim.not_set') : value);

/** @param {Options} options @param {string} key @param {string} text @param {boolean} number */
function heading({ sort, chooseSort }, key, text, number) {
  const down = sort === `-${key}`;
  const up = sort === key;
  const next = down ? key : up ? `-${key}` : number ? `-${key}` : key;
  return html`
    <th scope="col" class=${number ? 'num' : ''} aria-sort=${down ? 'descending' : up ? 'ascending' : 'none'}>
      <button type="button" class="sort ${down || up ? 'sort-on' : ''}" @click=${() => chooseSort(next)}>${number ? nothing : text}${icon(up ? 'arrowUp' : 'arrowDown')}${number ? text : nothing}</button></th>`;
}

/** @param {Column} column */
const columnName = (column) => (column.currency && column.key.endsWith(`:${column.currency}`) ? `${column.name} (${column.currency})` : column.name);

/** @param {TableAnswer} data @param {Options} options */
function table(data, options) {
  const { t, format } = store;
  const { by, grain } = data;
  const filterBy = by === 'date' ? null : options.filterBy;
  const label = (/** @type {string} */ value) => (by === 'date' ? format.bucket(value, /** @type {any} */ (grain), true) : dimensionValue(value));
  // One number of decimals per column, so that the digits stand under each other.
  const digits = Object.fromEntries(data.columns.map((c) => [c.key, decimals([...data.rows.map((row) => row.values[c.key]), data.totals[c.key]], c.unit)]));
  const cell = (/** @type {Record<string, number|null>} */ values, /** @type {Column} */ c) => format.value(values[c.key], c.unit, c.currency, digits[c.key]);
  // A thin bar shows the share of the largest value; the first column is the one people look at.
  const lead = data.columns[0];
  const top = Math.max(0, ...data.rows.map((row) => row.values[lead?.key] ?? 0));
  const caption = t('table.caption', { dimension: dimensionName(by), range: format.range(data.from, data.to) });
  return html`
    <div class="table-scroll" tabindex="0" role="region" aria-label=${caption}>
      <table class="table figures">
        <caption class="visually-hidden">${caption}</caption>
        <thead><tr>${heading(options, by, dimensionName(by), false)}${data.columns.map((c) => heading(options, c.key, columnName(c), true))}</tr></thead>
        <tbody>${data.rows.map((row) => html`
          <tr><th scope="row">${filterBy
              ? html`<button type="button" class="cell-link" title=${t('table.filter_by')} @click=${() => filterBy(by, row.dims[by] ?? '')}>${label(row.dims[by] ?? '')}</button>`
              : label(row.dims[by] ?? '')}
              ${top > 0 && by !== 'date' ? html`<meter class="share" min="0" max=${top} .value=${Math.max(0, row.values[lead.key] ?? 0)} aria-hidden="true"></meter>` : nothing}</th>
            ${data.columns.map((c) => html`<td class="num">${cell(row.values, c)}</td>`)}</tr>`)}</tbody>
        <tfoot><tr><th scope="row">${t('table.total')}</th>${data.columns.map((c) => html`<td class="num">${cell(data.totals, c)}</td>`)}</tr></tfoot>
      </table>
    </div>`;
}

/** @param {Options} options */
function body(options) {
  const { t } = store;
  const { resource, page, turn, clearFilter } = options;
  const { error, data } = resource;
  if (error && error.status === 422) {
    return empty(t('empty.impossible'), error.message, clearFilter ? html`<button type="button" class="btn" @click=${clearFilter}>${t('filter.clear')}</button>` : nothing, 'filter');
  }
  if (error) return failed(error, () => resource.retry());
  if (!data) return skeleton('table');
  if (!data.rows.length) return empty(t('empty.title'), t('empty.table', { range: store.format.range(data.from, data.to) }));
  return html`
    ${table(data, options)}
    ${page > 0 || data.next_cursor
      ? html`<nav class="pager" aria-label=${t('table.pages')}>
          <button type="button" class="btn btn-sm" ?disabled=${page === 0} @click=${() => turn(-1)}>${t('table.previous')}</button>
          <span class="muted">${t('table.page', { n: page + 1 })}</span>
          <button type="button" class="btn btn-sm" ?disabled=${!data.next_cursor} @click=${() => turn(1)}>${t('table.next')}</button></nav>`
      : nothing}`;
}

/** @param {Options} options */
export function breakdown(options) {
  const { t } = store;
  const { resource, dimensions, by, chooseBy } = options;
  return html`
    <section class="card widget" aria-labelledby="table-title" aria-busy=${String(resource.face === 'loading')}>
      <header class="widget-head">
        <h2 id="table-title">${t('table.title')}</h2>
        <label class="inline-select"><span>${t('table.by')}</span>
          <select class="form-select form-select-sm" @change=${(/** @type {any} */ e) => chooseBy(e.target.value)}>
            ${dimensions.map((d) => html`<option value=${d} ?selected=${d === by}>${dimensionName(d)}</option>`)}
          </select></label>
        ${resource.data ? badge(resource.data.freshness) : nothing}
      </header>
      ${body(options)}
    </section>`;
}
