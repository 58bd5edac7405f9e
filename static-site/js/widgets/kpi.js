// KPI cards: value, difference with its base named, and whether that is good.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { direction, verdict } from '../lib/delta.js';
import { metricId } from '../lib/series.js';
import { store } from '../store.js';
import { badge } from './badge.js';

/** @typedef {import('../lib/format.js').Delta} Delta */
/** @typedef {{key: string, name: string, unit: string, additivity: string, currency: string|null, value: number|null, reason: string|null, previous: number|null, delta: Delta|null, good_direction: string, freshness: any}} Metric */

/** The difference in words: "+9,5 % mejor", "nuevo", "sin comparación". @param {Metric} metric @param {string} base "29 sep – 26 oct" */
function difference(metric, base) {
  const { t, format } = store;
  const { delta } = metric;
  if (!delta) return nothing;
  if (delta.kind === 'new') return html`<p class="kpi-delta"><span class="delta">${t('delta.new')}</span> <span class="kpi-base">${t('delta.base_zero', { base })}</span></p>`;
  const text = format.delta(delta, t('delta.points'));
  if (text === null) return html`<p class="kpi-delta"><span class="kpi-base">${t('delta.none', { base })}</span></p>`;
  const judged = verdict(delta, metric.good_direction);
  const arrow = /** @type {const} */ (['arrowDown', 'equal', 'arrowUp'])[direction(delta) + 1];
  return html`
    <p class="kpi-delta"><span class="delta ${judged ? `delta-${judged}` : ''}">${icon(arrow)}${text}${judged ? html` <span class="delta-word">${t(`delta.verdict.${judged}`)}</span>` : nothing}</span>
      <span class="kpi-base" title=${t('kpi.previous', { value: format.value(metric.previous, metric.unit, metric.currency) })}>${t('delta.versus', { base })}</span></p>`;
}

/**
 * @param {Metric} metric
 * @param {{chosen: boolean, base: string, grain?: string, choose: (id: string) => void}} options
 */
export function kpiCard(metric, { chosen, base, grain, choose }) {
  const { t, format } = store;
  const name = metric.currency ? `${metric.name} (${metric.currency})` : metric.name;
  return html`
    <li class="card kpi ${chosen ? 'kpi-chosen' : ''}" data-metric=${metricId(metric)}>
      <div class="kpi-head">
        <button type="button" class="kpi-name" aria-pressed=${String(chosen)} @click=${() => choose(metricId(metric))}>${name}</button>
        <a class="kpi-info" href="#/catalog/${encodeURIComponent(metric.key)}" title=${t('kpi.definition')} aria-label=${t('kpi.definition_of', { name })}>${icon('info')}</a>
      </div>
      <p class="kpi-value ${metric.value === null ? 'kpi-none' : ''}">${format.value(metric.value, metric.unit, metric.currency)}</p>
      ${metric.value === null
        ? html`<p class="kpi-delta"><span class="kpi-base">${t(`reason.${metric.reason ?? 'no_data'}`)}</span></p>`
        : difference(metric, base)}
      ${badge(metric.freshness, { grain })}
    </li>`;
}
