// One metric: what it means, how it is computed, where it comes from, how fresh it is, and its last 90 days.
import { api } from '../api.js';
import { focusOn } from '../dom.js';
import { html, nothing, render } from '../html.js';
import { icon } from '../icons.js';
import { addDays } from '../lib/dates.js';
import { Paged } from '../paged.js';
import { Resource } from '../resource.js';
import { go } from '../router.js';
import { store } from '../store.js';
import { badge } from '../widgets/badge.js';
import { dimensionName } from '../widgets/breakdown.js';
import { empty, failed, skeleton } from '../widgets/faces.js';
import { restatements } from '../widgets/restatements.js';
import { trend } from '../widgets/trend.js';

const DAYS = 90;
const UNITS = new Set(['count', 'percent', 'currency', 'seconds']);

/** The provider by its name; anything else as the server wrote it. @param {string|undefined} source */
function sourceName(source) {
  const words = store.t(`provider.${source}`);
  return words.startsWith('provider.') ? (source ?? '–') : words;
}

/** One line of the list of facts. @param {string} label @param {unknown} value */
const fact = (label, value) => html`<div class="fact"><dt>${label}</dt><dd>${value}</dd></div>`;

/** @param {any} item */
function facts(item) {
  const { t, format } = store;
  const { origin = {}, freshness } = item;
  return html`
    <section class="card widget" aria-labelledby="facts-title">
      <header class="widget-head"><h2 id="facts-title">${t('metric.facts')}</h2>${badge(freshness, { grain: item.grain, through: true })}</header>
      <dl class="facts">
        ${item.formula ? fact(t('metric.formula'), html`<code>${item.formula}</code>`) : nothing}
        ${fact(t('metric.origin'), html`${sourceName(origin.source)}${origin.endpoint ? html` · <code>${origin.endpoint}</code>` : nothing}${origin.field ? html` · <code>${origin.field}</code>` : nothing}`)}
        ${fact(t('metric.unit'), UNITS.has(item.unit) ? t(`unit.${item.unit}`) : item.unit)}
        ${fact(t('metric.additivity'), t(`additivity.${item.additivity}.long`))}
        ${fact(t('metric.good'), t(`good.${item.good_direction}`))}
        ${fact(t('metric.grain'), t(`grain.${item.grain}`))}
        ${fact(t('metric.dimensions'), item.dimensions.length ? item.dimensions.map(dimensionName).join(', ') : t('metric.no_dimensions'))}
        ${fact(t('metric.sources'), item.sources.map((/** @type {any} */ s, /** @type {number} */ i) => html`${i ? ', ' : ''}<a href="#/sources?source=${s.id}">${s.name}</a>`))}
        ${freshness?.fetched_at ? fact(t('metric.fetched'), format.instant(freshness.fetched_at)) : nothing}
        ${fact(t('metric.version'), t('metric.version_n', { version: item.version }))}
        ${fact(t('metric.key'), html`<code>${item.key}</code>`)}
      </dl>
    </section>`;
}

/** @param {any} item @param {Resource<any>} series @param {Paged<any>} restated */
function page(item, series, restated) {
  const { t } = store;
  const currency = series.data?.series[0]?.currency ?? null;
  const kpi = /** @type {any} */ ({ key: item.key, name: t('metric.last_days', { n: DAYS }), value: null, delta: null, reason: null });
  return html`
    <p class="metric-lead">${item.definition}</p>
    <div class="metric-cols">
      ${facts(item)}
      ${trend({ resource: series, currency, kpi, grain: item.grain, clearFilter: null, restated: false, showDays: (from, to) => go('/dashboard', { from, to, metric: item.key }) })}
    </div>
    ${restatements(restated, item.unit)}
    <p><a class="btn btn-primary" href="#/dashboard?metric=${encodeURIComponent(item.key)}">${icon('chart')}${t('metric.on_board')}</a></p>`;
}

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
export function metricView(root, location) {
  const { t } = store;
  const key = decodeURIComponent(location.path.slice('/catalog/'.length));
  const item = new Resource(draw);
  const series = new Resource(draw);
  const restated = new Paged(draw);
  const listen = new AbortController();

  async function load() {
    const answer = await item.load((signal) => api.metric(key, signal));
    const through = answer?.freshness?.data_through;
    if (!answer) return;
    document.title = `${answer.name} · ${document.title.split(' · ').slice(1).join(' · ')}`;
    await Promise.all([restated.open((cursor, signal) => api.restatements(key, { cursor }, signal)), chart(through)]);
    // The way here from a chart leads to the table, which stands below it.
    if (location.params.part === 'restated') focusOn('#restated-title', root)?.scrollIntoView({ block: 'start' });
  }

  /** @param {string|undefined} through */
  function chart(through) {
    const range = through ? { from: addDays(through, 1 - DAYS), to: through } : {};
    return series.load((signal) => api.series(key, range, signal));
  }

  function draw() {
    const missing = item.error?.status === 404;
    render(html`
      <div class="sheet">
        <nav class="crumbs" aria-label=${t('nav.crumbs')}><a href="#/catalog">${t('nav.to.catalog')}</a></nav>
        <header class="page-head"><h1 tabindex="-1">${item.data?.name ?? (missing ? t('metric.missing') : key)}</h1></header>
        ${item.data ? page(item.data, series, restated) : nothing}
        ${missing ? html`<section class="card widget">${empty(t('metric.missing'), t('metric.missing_text'))}</section>` : nothing}
        ${item.error && !missing ? html`<section class="card widget">${failed(item.error, load)}</section>` : nothing}
        ${!item.data && !item.error ? html`<section class="card widget">${skeleton('chart')}</section>` : nothing}
      </div>`, root);
  }

  draw();
  load();
  for (const event of ['tick', 'theme']) store.addEventListener(event, draw, { signal: listen.signal });
  return {
    title: t('nav.to.catalog'),
    stop: () => {
      listen.abort();
      item.stop();
      series.stop();
      restated.stop();
    },
  };
}
