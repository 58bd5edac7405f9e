// The parts of a source: how each stands, how far it reaches, and which permission it lacks.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { missing, permissionLabel } from '../lib/sources.js';
import { store } from '../store.js';
import { ago, words } from '../words.js';

/** @typedef {import('../lib/sources.js').Source} Source */
/** @typedef {import('../lib/sources.js').Stream} Stream */

/** @type {Record<string, [Parameters<typeof icon>[0], string]>} */
const LOOKS = { complete: ['check', 'good'], filling: ['refresh', 'calm'], waiting: ['clock', 'calm'], blocked: ['alert', 'warn'] };

/** @param {string|null} permission */
function permissionCell(permission) {
  const { t } = store;
  if (!permission) return html`<span class="has">${icon('check')}${t('stream.allowed')}</span>`;
  return html`<span class="lacks">${icon('alert')}<span>${t('stream.missing')} <code>${permission}</code></span></span>`;
}

/** @param {Stream} stream @param {boolean} permitted the provider knows permissions */
function row(stream, permitted) {
  const { t, format } = store;
  const lacks = missing(stream);
  const [image, tone] = LOOKS[lacks ? 'blocked' : stream.status] ?? LOOKS.waiting;
  return html`
    <tr data-stream=${stream.key}><th scope="row">${stream.name}</th>
      <td><span class="stream tone-${tone}">${icon(image)}${words(`stream.${lacks ? 'blocked' : stream.status}`, stream.status)}</span></td>
      ${permitted ? html`<td>${permissionCell(lacks)}</td>` : nothing}
      <td>${stream.backfilled_from && stream.data_through ? format.range(stream.backfilled_from, stream.data_through) : stream.data_through ? format.day(stream.data_through) : '–'}</td>
      <td>${ago(stream.fetched_at, '–')}</td></tr>`;
}

/** What to do about missing permissions, by the names that the provider's own page shows. @param {Source} source */
function advice(source) {
  const { t } = store;
  const lacking = source.streams.map(missing).filter((one) => one !== null);
  if (!lacking.length || source.type !== 'api_key') return nothing;
  const labels = [...new Set(lacking.map(permissionLabel))].join(', ');
  return html`<div class="notice notice-warn missing-advice">${icon('info')}<p>${t(store.isAdmin ? 'stream.advice' : 'stream.advice_viewer', { permissions: labels })}</p></div>`;
}

/** @param {Source} source */
export function streams(source) {
  const { t } = store;
  if (!source.streams.length) return nothing;
  const permitted = source.type === 'api_key';
  const head = ['name', 'state', ...(permitted ? ['permission'] : []), 'reach', 'fetched'];
  return html`
    <section class="card widget" aria-labelledby="streams-title">
      <header class="widget-head"><h2 id="streams-title">${t('stream.title')}</h2></header>
      ${advice(source)}
      <div class="table-scroll" tabindex="0" role="group" aria-labelledby="streams-title">
        <table class="table table-sm figures streams">
          <thead><tr>${head.map((name) => html`<th scope="col">${t(`stream.col.${name}`)}</th>`)}</tr></thead>
          <tbody>${source.streams.map((stream) => row(stream, permitted))}</tbody>
        </table>
      </div>
    </section>`;
}
