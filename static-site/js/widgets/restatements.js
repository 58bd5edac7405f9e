// Figures of a metric that were final and changed all the same: what each was, what it is, and when that was noticed.
import { html } from '../html.js';
import { changeOf } from '../lib/sources.js';
import { store } from '../store.js';
import { dimensionName } from './breakdown.js';
import { listing } from './listing.js';

/** @typedef {{id: string, source: {id: string, name: string}, from: string, to: string, grain: string, dims: Record<string, string>, currency: string|null, old: number|null, new: number|null, at: string}} Restatement */

/** @param {Record<string, string>} dims */
const dimsText = (dims) => Object.entries(dims).map(([name, value]) => `${dimensionName(name)}: ${value}`).join(' · ') || store.t('restated.total');

/** @param {Restatement} item @param {string} unit */
function row(item, unit) {
  const { t, format } = store;
  const change = changeOf(item.old, item.new);
  return html`
    <tr><th scope="row">${format.range(item.from, item.to)}</th><td>${dimsText(item.dims)}</td>
      <td class="num">${format.value(item.old, unit, item.currency)}</td>
      <td class="num"><strong>${item.new === null ? t('restated.gone') : format.value(item.new, unit, item.currency)}</strong></td>
      <td class="num">${change === null ? '–' : format.delta({ kind: 'percent', value: change }, '')}</td>
      <td>${item.source.name}</td><td><time datetime=${item.at}>${format.instant(item.at)}</time></td></tr>`;
}

/** @param {import('../paged.js').Paged<Restatement>} list @param {string} unit */
export function restatements(list, unit) {
  const { t } = store;
  return html`
    <section class="card widget restated" id="restated" aria-labelledby="restated-title">
      <header class="widget-head"><h2 id="restated-title" tabindex="-1">${t('restated.title')}</h2></header>
      <p class="muted">${t('restated.lead')}</p>
      ${listing(list, {
        none: html`<p class="restated-none">${t('restated.none')}</p>`,
        rows: (items) => html`
          <div class="table-scroll" tabindex="0" role="group" aria-labelledby="restated-title"><table class="table table-sm figures">
            <thead><tr>${['period', 'dims', 'old', 'new', 'change', 'source', 'at'].map((name) => html`<th scope="col" class=${['old', 'new', 'change'].includes(name) ? 'num' : ''}>${t(`restated.col.${name}`)}</th>`)}</tr></thead>
            <tbody>${items.map((item) => row(item, unit))}</tbody></table></div>`,
      })}
    </section>`;
}
