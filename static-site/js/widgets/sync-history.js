// The runs of a source, newest first, each with what it did in plain words.
import { html, nothing } from '../html.js';
import { store } from '../store.js';
import { failed, skeleton } from './faces.js';

/** @typedef {{id: string, trigger: string, status: string, started_at: string|null, finished_at: string|null, from: string|null, to: string|null, rows_read: number|null, rows_changed: number|null, rows_removed: number|null, message: string|null}} Sync */

/** A word for a code of the server; an unknown one is shown as it is. @param {string} prefix @param {string} code */
function word(prefix, code) {
  const key = `${prefix}.${code}`;
  const text = store.t(key);
  return text === key ? code : text;
}

/** @param {Sync} sync */
function run(sync) {
  const { t, format } = store;
  const count = (/** @type {number|null} */ n) => format.value(n, 'count');
  return html`
    <tr><th scope="row">${sync.started_at ? format.instant(sync.started_at) : t('sync.waiting')}<br><span class="muted">${word('trigger', sync.trigger)}</span></th>
      <td><span class="run run-${sync.status}">${word('run', sync.status)}</span>${sync.message ? html`<br><span class="muted">${sync.message}</span>` : nothing}</td>
      <td>${sync.from && sync.to ? format.range(sync.from, sync.to) : '–'}</td>
      <td class="num">${count(sync.rows_read)}</td><td class="num">${count(sync.rows_changed)}</td><td class="num">${count(sync.rows_removed)}</td></tr>`;
}

/** @param {import('../resource.js').Resource<{items: Sync[], next_cursor: string|null}>} list @param {() => void} more */
export function syncHistory(list, more) {
  const { t } = store;
  if (list.error) return failed(list.error, () => list.retry());
  if (!list.data) return skeleton('table');
  const { items, next_cursor: next } = list.data;
  if (!items.length) return html`<p class="muted history-none">${t('sync.none')}</p>`;
  return html`
    <div class="table-scroll" tabindex="0" role="region" aria-label=${t('source.history')}>
      <table class="table table-sm figures history">
        <thead><tr>${['when', 'result', 'range'].map((name) => html`<th scope="col">${t(`sync.col.${name}`)}</th>`)}
          ${['read', 'changed', 'removed'].map((name) => html`<th scope="col" class="num">${t(`sync.col.${name}`)}</th>`)}</tr></thead>
        <tbody>${items.map(run)}</tbody>
      </table>
    </div>
    ${next ? html`<button type="button" class="btn btn-sm" @click=${more}>${t('sync.more')}</button>` : nothing}`;
}
