// The filter bar: range, grain, comparison, one dimension with its value. On a phone it is a drawer.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { PRESETS } from '../lib/dates.js';
import { store } from '../store.js';
import { dimensionName, dimensionValue } from './breakdown.js';

const GRAINS = ['day', 'week', 'month', 'quarter', 'year'];
const COMPARISONS = ['previous', 'year', 'none'];

/**
 * @typedef {object} FilterState
 * @property {string} range a preset, `all`, `custom` or `` for the default
 * @property {string} from of the answer shown
 * @property {string} to
 * @property {string} grain
 * @property {string} compare
 * @property {Array<[string, string]>} dims active filters
 * @property {string[]} dimensions that may be chosen
 * @property {string} dimension chosen in the bar
 * @property {string[]} values of that dimension
 * @property {boolean} open drawer on a phone
 * @property {boolean} custom the two dates are shown
 * @property {string} problem with the custom dates, in words
 * @property {boolean} touched something differs from the default
 */
/**
 * @typedef {object} FilterActions
 * @property {(range: string) => void} range
 * @property {(from: string, to: string) => void} days
 * @property {(name: 'grain'|'compare', value: string) => void} set
 * @property {(dimension: string) => void} dimension
 * @property {(dims: Array<[string, string]>) => void} dims
 * @property {() => void} reset
 * @property {() => void} toggle
 */

/** @param {string} label @param {string} id @param {string} value @param {Array<[string, string]>} options @param {(value: string) => void} change */
const select = (label, id, value, options, change) => html`
  <div class="filter"><label class="form-label" for=${id}>${label}</label>
    <select class="form-select" id=${id} @change=${(/** @type {any} */ e) => change(e.target.value)}>
      ${options.map(([key, text]) => html`<option value=${key} ?selected=${key === value} .selected=${key === value}>${text}</option>`)}
    </select></div>`;

/** @param {FilterState} state @param {FilterActions} actions */
function dates(state, actions) {
  const { t } = store;
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    actions.days(String(data.get('from')), String(data.get('to')));
  };
  return html`
    <form class="custom-range" @submit=${submit} novalidate>
      <div class="filter"><label class="form-label" for="f-from">${t('filter.from')}</label>
        <input class="form-control" type="date" id="f-from" name="from" .value=${state.from} required aria-describedby=${state.problem ? 'f-problem' : nothing}></div>
      <div class="filter"><label class="form-label" for="f-to">${t('filter.to')}</label>
        <input class="form-control" type="date" id="f-to" name="to" .value=${state.to} required aria-describedby=${state.problem ? 'f-problem' : nothing}></div>
      <button class="btn btn-primary" type="submit">${t('filter.apply')}</button>
      ${state.problem ? html`<p class="field-problem" id="f-problem" role="alert">${state.problem}</p>` : nothing}
    </form>`;
}

/** @param {FilterState} state @param {FilterActions} actions */
const chips = (state, actions) => html`
  <ul class="chips" aria-label=${store.t('filter.active')}>
    ${state.dims.map((pair) => html`
      <li><button type="button" class="chip" aria-label=${store.t('filter.remove', { name: dimensionName(pair[0]), value: dimensionValue(pair[1]) })}
        @click=${() => actions.dims(state.dims.filter((other) => other !== pair))}>
        <span class="chip-name">${dimensionName(pair[0])}</span>${dimensionValue(pair[1])}${icon('close')}</button></li>`)}
  </ul>`;

/** @param {FilterState} state @param {FilterActions} actions */
export function filterBar(state, actions) {
  const { t } = store;
  /** @type {Array<[string, string]>} */
  const ranges = [...PRESETS, 'all', 'custom'].map((name) => [name, t(`range.${name}`)]);
  ranges.unshift(['', t('range.default')]);
  const chosen = state.dims[0]?.[0] === state.dimension ? state.dims[0][1] : '';
  const count = state.dims.length + (state.range ? 1 : 0);
  return html`
    <section class="filters card ${state.open ? 'filters-open' : ''}" aria-label=${t('filter.title')}>
      <button type="button" class="btn filters-toggle" aria-expanded=${String(state.open)} aria-controls="filter-fields" @click=${actions.toggle}>
        ${icon('filter')}${count ? t('filter.title_n', { n: count }) : t('filter.title')}${icon('chevron')}</button>
      <div class="filter-fields" id="filter-fields">
        ${select(t('filter.range'), 'f-range', state.custom ? 'custom' : state.range, ranges, actions.range)}
        ${select(t('filter.compare'), 'f-compare', state.compare, COMPARISONS.map((c) => [c, t(`compare.${c}`)]), (v) => actions.set('compare', v))}
        ${select(t('filter.grain'), 'f-grain', state.grain, [['', t('grain.auto')], ...GRAINS.map((g) => /** @type {[string, string]} */ ([g, t(`grain.${g}`)]))], (v) => actions.set('grain', v))}
        ${state.dimensions.length
          ? select(t('filter.dimension'), 'f-dimension', state.dimension, [['', t('filter.no_dimension')], ...state.dimensions.map((d) => /** @type {[string, string]} */ ([d, dimensionName(d)]))], actions.dimension)
          : nothing}
        ${state.dimension
          ? select(t('filter.value'), 'f-value', chosen, [['', t('filter.any')], ...state.values.map((v) => /** @type {[string, string]} */ ([v, dimensionValue(v)]))],
              (v) => actions.dims(v ? [[state.dimension, v]] : []))
          : nothing}
        <button type="button" class="btn filter-reset" ?disabled=${!state.touched} @click=${actions.reset}>${t('filter.reset')}</button>
        ${state.custom ? dates(state, actions) : nothing}
      </div>
      ${state.dims.length ? chips(state, actions) : nothing}
    </section>`;
}
