// The board: KPI cards, the line of one of them, a table by a dimension. Every choice stands in the address.
import { Board } from '../board.js';
import { announce } from '../dom.js';
import { html, nothing, render } from '../html.js';
import { isDay } from '../lib/dates.js';
import { encodeDims } from '../lib/url.js';
import { change, go } from '../router.js';
import { store } from '../store.js';
import { boardBadge } from '../widgets/badge.js';
import { breakdown } from '../widgets/breakdown.js';
import { failed, notConnected, skeleton } from '../widgets/faces.js';
import { filterBar } from '../widgets/filters.js';
import { kpiCard } from '../widgets/kpi.js';
import { trend } from '../widgets/trend.js';

/** What the controls do: they change the address, and the board follows it. @param {Board} board */
const actionsOf = (board) => ({
  range: (/** @type {string} */ range) => {
    board.ui.custom = range === 'custom';
    board.ui.problem = '';
    if (range === 'custom') return board.draw();
    return change({ range, from: null, to: null });
  },
  days: (/** @type {string} */ from, /** @type {string} */ to) => {
    board.ui.problem = !isDay(from) || !isDay(to) ? store.t('filter.bad_days') : from > to ? store.t('filter.reversed') : '';
    if (board.ui.problem) return board.draw();
    return change({ range: null, from, to });
  },
  set: (/** @type {'grain'|'compare'} */ name, /** @type {string} */ value) => change({ [name]: name === 'compare' && value === 'previous' ? null : value }),
  dimension: (/** @type {string} */ name) => {
    board.ui.dimension = name;
    if (board.dims.length) change({ dims: null });
    board.ui.dimension = name;
    if (name) board.loadValues();
    board.draw();
  },
  dims: (/** @type {Array<[string, string]>} */ dims) => change({ dims: encodeDims(dims) || null }),
  reset: () => {
    Object.assign(board.ui, { custom: false, dimension: '', problem: '' });
    go('/dashboard', {});
    announce(store.t('filter.was_reset'));
  },
  toggle: () => {
    board.ui.open = !board.ui.open;
    board.draw();
  },
});

/** @typedef {ReturnType<typeof actionsOf>} Actions */

/** @param {Board} board @param {Actions} actions */
function filters(board, actions) {
  const { params, ui } = board;
  const { from = '', to = '' } = board.metrics.data ?? {};
  const item = board.values.data;
  const values = item?.dimension_values?.[ui.dimension] ?? [];
  const active = board.dims.filter(([name]) => name === ui.dimension).map(([, value]) => value);
  const ownDays = !params.range && isDay(params.from) && isDay(params.to);
  return filterBar({
    range: params.range ?? '', from, to, grain: params.grain ?? '', compare: board.compare, dims: board.dims, dimensions: board.dimensions(), dimension: ui.dimension,
    values: [...new Set([...active, ...values])], open: ui.open, custom: ui.custom || ownDays, problem: ui.problem,
    touched: ['range', 'from', 'to', 'grain', 'compare', 'dims', 'metric', 'by', 'sort'].some((name) => params[name]),
  }, actions);
}

/** "27 oct – 23 nov", the range compared with. @param {Board} board */
function base(board) {
  const { compare } = board.metrics.data;
  return compare ? store.format.range(compare.from, compare.to, board.today()) : '';
}

/** @param {Board} board */
function cards(board) {
  const { error, data } = board.metrics;
  if (error) return html`<section class="card widget">${failed(error, () => board.load())}</section>`;
  if (!data) return skeleton('kpi');
  const chosen = board.chosen();
  return html`
    <ul class="kpis" aria-label=${store.t('board.kpis')} aria-busy=${String(board.metrics.face === 'loading')}>
      ${data.metrics.map((/** @type {any} */ metric) => kpiCard(metric, {
        chosen: metric === chosen, base: base(board), grain: board.entry(metric.key)?.grain, choose: (id) => change({ metric: id, sort: null }),
      }))}
    </ul>`;
}

/** @param {Board} board @param {Actions} actions */
function widgets(board, actions) {
  const { data } = board.metrics;
  if (!data) return board.metrics.error ? nothing : html`<section class="card widget">${skeleton('chart')}</section>`;
  const chosen = board.chosen();
  const clearFilter = board.dims.length ? () => actions.dims([]) : null;
  const { by } = board;
  return html`
    ${trend({ resource: board.series, currency: chosen.currency, kpi: chosen, grain: board.entry(chosen.key)?.grain, showDays: actions.days, clearFilter })}
    ${breakdown({
      resource: board.table, dimensions: board.tableDimensions(), by, sort: board.sort, page: board.cursors.length - 1, clearFilter,
      chooseBy: (name) => change({ by: name, sort: null }), chooseSort: (sort) => change({ sort }, true), turn: board.turn,
      filterBy: (name, value) => change({ dims: encodeDims([[name, value]]) }),
    })}`;
}

/** @param {Board} board @param {Actions} actions */
function page(board, actions) {
  const { t, format, session } = store;
  const { data } = board.metrics;
  const all = (data?.metrics ?? []).map((/** @type {any} */ m) => ({ freshness: m.freshness, grain: board.entry(m.key)?.grain }));
  return html`
    <div class="sheet">
      <header class="page-head">
        <div><h1 tabindex="-1">${t('nav.to.dashboard')}</h1>
          <p class="page-sub">${data ? html`<strong>${format.range(data.from, data.to)}</strong>
            ${data.compare ? html`<span>${t('board.compared', { range: format.range(data.compare.from, data.compare.to) })}</span>` : nothing}` : t('face.loading')}</p></div>
        ${boardBadge(all)}
      </header>
      ${session?.tenant && data && !data.metrics.length
        ? html`<section class="card widget">${notConnected()}</section>`
        : html`${filters(board, actions)}${cards(board)}${widgets(board, actions)}`}
    </div>`;
}

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
export function dashboardView(root, location) {
  /** @type {Board} */
  let board;
  /** @type {Actions} */
  let actions;
  const draw = () => board && render(page(board, actions), root);
  board = new Board(location, draw);
  actions = actionsOf(board);
  draw();
  const listen = new AbortController();
  for (const event of ['tick', 'theme']) store.addEventListener(event, draw, { signal: listen.signal });
  return {
    title: store.t('nav.to.dashboard'),
    update: (/** @type {import('../lib/url.js').Location} */ next) => board.update(next),
    stop: () => {
      listen.abort();
      board.stop();
    },
  };
}
