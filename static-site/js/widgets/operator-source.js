// A source as an operator sees it: what the client is told beside the real cause.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { store } from '../store.js';
import { ago, count, words } from '../words.js';
import { LOOKS } from './source-state.js';

/** @typedef {{id: string, name: string, provider: string, status: string, status_code: string|null, status_text: string, cause: string|null, tenant?: {id: string, name: string}, last_sync_at: string|null, next_due: string|null, data_through: string|null, datapoints: number}} OperatorSource */

/** @param {string} status */
export function sourceState(status) {
  const [image, tone] = LOOKS[status] ?? LOOKS.error;
  return html`<span class="state state-${tone}">${icon(image)}${words(`status.${status}`, status)}</span>`;
}

/** @param {OperatorSource[]} items @param {boolean} company says whose each is; they share a state then @param {string} caption */
export function sourceRows(items, company, caption) {
  const { t, format } = store;
  const column = (/** @type {string} */ name, side = '') => html`<th scope="col" class=${side}>${t(`ops.col.${name}`)}</th>`;
  return html`
    <div class="table-scroll" tabindex="0" role="region" aria-label=${caption}>
      <table class="table table-sm figures stack stack-sources">
        <thead><tr>${column('source')}${company ? column('company') : nothing}${company ? nothing : column('state')}${column('cause')}${column('last_sync')}${column('through')}${column('datapoints', 'num')}</tr></thead>
        <tbody>${items.map((one) => html`
          <tr><th scope="row" class="source-cell"><strong>${one.name}</strong><br><span class="muted">${words(`provider.${one.provider}`, one.provider)}</span></th>
            ${company ? html`<td class="whole">${one.tenant ? html`<a href="#/operator/tenants/${encodeURIComponent(one.tenant.id)}">${one.tenant.name}</a>` : '–'}</td>` : nothing}
            ${company ? nothing : html`<td class="whole">${sourceState(one.status)}</td>`}
            <td class="cause-cell whole">${one.status_text}${one.cause ? html`<br><code>${one.cause}</code>` : nothing}</td>
            <td class="nowrap" data-label=${t('ops.col.last_sync')}>${ago(one.last_sync_at, t('source.never'))}</td>
            <td class="nowrap" data-label=${t('ops.col.through')}>${one.data_through ? format.day(one.data_through) : '–'}</td>
            <td class="num" data-label=${t('ops.col.datapoints')}>${count(one.datapoints)}</td></tr>`)}</tbody>
      </table>
    </div>`;
}
