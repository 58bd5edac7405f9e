// Fields for where a company is: zone (usual ones, or any by name), currency, number format, first day of the week.
import { html, nothing } from '../html.js';
import { allCurrencies, allZones, LOCALES, named, zoneName, ZONES } from '../lib/places.js';
import { store } from '../store.js';
import { field } from './dialog.js';

/** @typedef {{zone: string, currency: string, locale: string, week_start: string}} Place */
/** @typedef {{place: Place, prefix: string, other: boolean, problem: (name: string) => string, changed: (changes: Partial<Place>, other?: boolean) => void}} Binding `other`: the zone is typed */

/** @param {string} chosen @param {string[]} options @param {(code: string) => string} name */
const choices = (chosen, options, name) => (options.includes(chosen) ? options : [chosen, ...options]).filter(Boolean).map((code) => html`<option value=${code} .selected=${code === chosen}>${name(code)}</option>`);

/** @param {Binding} form */
function zone({ place, prefix, other, problem, changed }) {
  const { t } = store;
  const name = (/** @type {string} */ code) => zoneName(code, store.now(), store.lang);
  const typed = other && html`
    <input class="form-control" id="${prefix}-zone-other" list="${prefix}-zones" autocomplete="off" spellcheck="false" .value=${place.zone} aria-label=${t('settings.zone_name')}
      aria-invalid=${problem('zone') ? 'true' : nothing} placeholder=${ZONES[0]} @input=${(/** @type {any} */ e) => changed({ zone: e.target.value.trim() })}>
    <datalist id="${prefix}-zones">${allZones().map((code) => html`<option value=${code}></option>`)}</datalist>`;
  return field({ id: `${prefix}-zone`, label: t('settings.zone'), hint: t('settings.zone_hint'), problem: problem('zone') }, ({ described }) => html`
    <select class="form-select" id="${prefix}-zone" aria-describedby=${described}
      @change=${(/** @type {any} */ e) => (e.target.value === 'other' ? changed({}, true) : changed({ zone: e.target.value }, false))}>
      ${choices(other ? '' : place.zone, ZONES, name)}<option value="other" .selected=${other}>${t('settings.zone_other')}</option>
    </select>${typed || nothing}`);
}

/** @param {Binding} form */
export function placeFields(form) {
  const { t, lang } = store;
  const { place, prefix, problem, changed } = form;
  const select = (/** @type {'currency'|'locale'} */ key, /** @type {string[]} */ options, /** @type {(code: string) => string} */ name) => field(
    { id: `${prefix}-${key}`, label: t(`settings.${key}`), problem: problem(key) },
    ({ described }) => html`<select class="form-select" id="${prefix}-${key}" aria-describedby=${described} @change=${(/** @type {any} */ e) => changed({ [key]: e.target.value })}>${choices(place[key], options, name)}</select>`,
  );
  return html`
    ${zone(form)}
    ${select('currency', allCurrencies(), (code) => `${named('currency', code, lang)} (${code})`)}
    ${select('locale', LOCALES, (code) => named('language', code, lang))}
    <fieldset class="form-field"><legend class="form-label">${t('settings.week_start')}</legend>
      <div class="segmented">${['monday', 'sunday', 'saturday'].map((day) => html`
        <button type="button" aria-pressed=${String(place.week_start === day)} @click=${() => changed({ week_start: day })}>${t(`settings.${day}`)}</button>`)}</div></fieldset>`;
}
