// The line of one metric over time and its twin: a sentence and a table with the same numbers.
import '../chart.js';
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { addDays } from '../lib/dates.js';
import { decimals } from '../lib/format.js';
import { narrate } from '../lib/narrate.js';
import { hasPast, isEmpty, rows as rowsOf, total as totalOf } from '../lib/series.js';
import { store } from '../store.js';
import { badge } from './badge.js';
import { empty, failed, skeleton } from './faces.js';

/** @typedef {import('../lib/series.js').SeriesAnswer} SeriesAnswer */
/** @typedef {{resource: import('../resource.js').Resource<SeriesAnswer>, currency: string|null, kpi: import('./kpi.js').Metric|null, grain?: string, showDays: (from: string, to: string) => void, clearFilter: (() => void)|null, restated?: boolean}} Options `restated: false`: the corrections stand on the same page */

/** The prepared answer, so that a redraw without news does not rebuild the chart. @type {WeakMap<SeriesAnswer, Map<string, any>>} */
const prepared = new WeakMap();

/** @param {SeriesAnswer} answer @param {string|null} currency @param {import('./kpi.js').Metric|null} kpi */
export function prepare(answer, currency, kpi) {
  const { t, format, lang } = store;
  const key = `${currency}|${lang}|${document.documentElement.dataset.bsTheme}|${kpi?.value}`;
  const known = prepared.get(answer)?.get(key);
  if (known) return known;
  const rows = rowsOf(answer, currency);
  const { metric, grain, compare } = answer;
  const total = kpi && kpi.value !== null ? kpi.value : totalOf(answer, currency);
  const sentence = narrate({ answer, rows, currency, total, kpi }, format, t);
  const model = {
    step: format.step(Math.max(0, ...rows.map((row) => Math.max(row.value ?? 0, row.previous ?? 0))), metric.unit),
    rows, name: metric.name, label: sentence, pastName: compare && hasPast(rows) ? format.range(compare.from, compare.to) : null, provisionalWord: t('trend.provisional'),
    tick: (/** @type {number} */ i) => (rows[i] ? format.bucket(rows[i].t, grain) : ''),
    title: (/** @type {number} */ i) => format.bucket(rows[i].t, grain, true),
    pastTitle: (/** @type {number} */ i) => (rows[i].before ? format.bucket(rows[i].before, grain, true) : ''),
    value: (/** @type {number} */ v) => format.value(v, metric.unit, currency),
    axis: (/** @type {number} */ v) => format.axis(v, metric.unit, currency),
  };
  const result = { rows, sentence, model };
  if (!prepared.has(answer)) prepared.set(answer, new Map());
  prepared.get(answer)?.set(key, result);
  return result;
}

/** @param {SeriesAnswer} answer @param {import('../lib/series.js').Row[]} rows */
function legend(answer, rows) {
  const { t, format } = store;
  return html`
    <ul class="chart-key">
      <li><i class="key key-now"></i>${format.range(answer.from, answer.to)}</li>
      ${answer.compare && hasPast(rows) ? html`<li><i class="key key-past"></i>${format.range(answer.compare.from, answer.compare.to)}</li>` : nothing}
      ${rows.some((row) => row.provisional) ? html`<li><i class="key key-dash"></i>${t('trend.provisional')}</li>` : nothing}
    </ul>`;
}

/** @param {SeriesAnswer} answer @param {import('../lib/series.js').Row[]} rows @param {string|null} currency */
function twin(answer, rows, currency) {
  const { t, format } = store;
  const { metric, grain, compare } = answer;
  const digits = decimals(rows.flatMap((row) => [row.value, row.previous]), metric.unit);
  const value = (/** @type {number|null} */ v) => (v === null ? t('trend.no_data') : format.value(v, metric.unit, currency, digits));
  return html`
    <details class="twin">
      <summary>${icon('chevron')}${t('trend.as_table')}</summary>
      <div class="table-scroll" tabindex="0" role="region" aria-label=${t('trend.table_of', { name: metric.name })}>
        <table class="table table-sm figures">
          <caption class="visually-hidden">${t('trend.table_of', { name: metric.name })}</caption>
          <thead><tr><th scope="col">${t(`grain.${grain}`)}</th><th scope="col" class="num">${metric.name}</th>
            ${compare ? html`<th scope="col" class="num">${format.range(compare.from, compare.to)}</th>` : nothing}</tr></thead>
          <tbody>${rows.map((row) => html`
            <tr><th scope="row">${format.bucket(row.t, grain, true)}</th>
              <td class="num ${row.value === null ? 'muted' : ''}">${value(row.value)}${row.provisional ? html` <span class="muted">(${t('trend.provisional')})</span>` : nothing}</td>
              ${compare ? html`<td class="num muted">${value(row.previous)}</td>` : nothing}</tr>`)}</tbody>
        </table>
      </div>
    </details>`;
}

/** Why there is nothing, and the nearest range that has something. @param {SeriesAnswer} answer @param {Options} options */
function nothingHere(answer, { showDays, clearFilter, kpi }) {
  const { t, format } = store;
  const through = answer.freshness?.data_through;
  const range = format.range(answer.from, answer.to);
  const reason = answer.reason ?? kpi?.reason;
  if (reason && reason !== 'no_data') return empty(t('empty.impossible'), t(`reason.${reason}`));
  if (clearFilter) {
    return empty(t('empty.filtered'), t('empty.filtered_text', { range }), html`<button type="button" class="btn" @click=${clearFilter}>${t('filter.clear')}</button>`);
  }
  if (!through) return empty(t('empty.waiting'), t('empty.waiting_text'), nothing, 'clock');
  const from = addDays(through, -27);
  return empty(t('empty.title'), t('empty.range', { range, day: format.day(through) }),
    html`<button type="button" class="btn btn-primary" @click=${() => showDays(from, through)}>${t('empty.show', { range: format.range(from, through) })}</button>`);
}

/** @param {Options} options */
function body(options) {
  const { resource, currency, kpi, clearFilter } = options;
  const { error } = resource;
  // The answer for another metric must not stand under this one's name while the new one loads.
  const data = kpi && resource.data?.metric.key !== kpi.key ? null : resource.data;
  if (error && error.status === 422) {
    return empty(store.t('empty.impossible'), error.message, clearFilter ? html`<button type="button" class="btn" @click=${clearFilter}>${store.t('filter.clear')}</button>` : nothing, 'filter');
  }
  if (error) return failed(error, () => resource.retry());
  if (!data) return skeleton('chart');
  const { rows, sentence, model } = prepare(data, currency, kpi);
  if (isEmpty(rows)) return nothingHere(data, options);
  return html`
    <p class="sentence">${sentence}</p>
    <figure class="figure"><portal-line class="line" .model=${model}></portal-line>${legend(data, rows)}</figure>
    ${twin(data, rows, currency)}
    ${options.restated === false ? nothing : html`<p class="trend-more"><a href="#/catalog/${encodeURIComponent(data.metric.key)}?part=restated">${store.t('trend.restated')}</a></p>`}`;
}

/** @param {Options} options */
export function trend(options) {
  const { resource, kpi, grain } = options;
  const name = kpi?.name ?? resource.data?.metric.name ?? store.t('trend.title');
  return html`
    <section class="card widget" aria-labelledby="trend-title" aria-busy=${String(resource.face === 'loading')}>
      <header class="widget-head"><h2 id="trend-title">${name}</h2>${resource.data ? badge(resource.data.freshness, { grain, through: true }) : nothing}</header>
      ${body(options)}
    </section>`;
}
