// The page of one source: state, clocks, what is to be chosen, parts, runs, and its settings.
import { html, nothing } from '../html.js';
import { isZone, zoneName, ZONES, allZones } from '../lib/places.js';
import { acts, needsChoice, rhythms, rhythmUnit } from '../lib/sources.js';
import { store } from '../store.js';
import { accountChoice } from '../widgets/account-choice.js';
import { field } from '../widgets/dialog.js';
import { formError } from '../widgets/faces.js';
import { actButton, logo, mainActs } from '../widgets/source-card.js';
import { clocks, rhythmName } from '../widgets/source-clocks.js';
import { runs } from '../widgets/source-runs.js';
import { news, states } from '../widgets/source-state.js';
import { streams } from '../widgets/source-streams.js';

/** @typedef {import('../lib/sources.js').Source} Source */
/** @typedef {import('../widgets/source-card.js').Standing} Standing */
/** @typedef {import('../widgets/source-card.js').Act} Act */
/**
 * @typedef {object} Context
 * @property {import('../sources-model.js').Sources} model
 * @property {Standing} standing
 * @property {Act} act
 * @property {import('../form.js').Form} form of the settings
 * @property {import('../widgets/account-choice.js').Choosing & {open: boolean}} choosing
 * @property {() => void} draw
 * @property {(account: string) => void} choose
 * @property {(event: SubmitEvent) => void} save
 */

/** @param {Source} source @param {Context} context */
function choice(source, { choosing, standing, draw, choose }) {
  if (!store.isAdmin || !(needsChoice(source) || choosing.open)) return nothing;
  return accountChoice(source, choosing, standing.busy, draw, choose);
}

/** Which access it is read with, and in which calendar. @param {Source} source */
function access(source) {
  const { t } = store;
  const parts = [
    source.connection?.label ? t(`source.with.${source.type}`, { label: source.connection.label }) : '',
    source.zone ? t('source.zone_is', { zone: zoneName(source.zone, store.now(), store.lang) }) : '',
    source.currency ? t('source.currency_is', { currency: source.currency }) : '',
  ].filter(Boolean);
  return parts.length ? html`<p class="muted source-access">${parts.join(' · ')}</p>` : nothing;
}

/** @param {Source} source @param {import('../form.js').Form} form */
function rhythm(source, form) {
  if (!source.cadence_minutes) return nothing;
  const { t } = store;
  const problem = form.problem('cadence_minutes');
  return field({ id: 'source-rhythm', label: t('source.rhythm'), hint: t('source.rhythm_hint'), problem }, ({ described, invalid }) => html`
    <select class="form-select" id="source-rhythm" name="cadence_minutes" aria-describedby=${described} aria-invalid=${invalid} @change=${() => form.forgive('cadence_minutes')}>
      ${rhythms(source.cadence_minutes).map((minutes) => html`<option value=${minutes} .selected=${minutes === source.cadence_minutes}>${rhythmName(minutes, rhythmUnit(minutes))}</option>`)}</select>`);
}

/** The calendar of a provider that has none of its own. @param {Source} source @param {import('../form.js').Form} form */
function zone(source, form) {
  if (!source.zone_is_chosen) return nothing;
  const { t } = store;
  const present = source.zone_wanted ?? source.zone ?? '';
  const usual = [...new Set([present, ...ZONES])].filter(isZone);
  const others = allZones().filter((one) => !usual.includes(one));
  const option = (/** @type {string} */ one) => html`<option value=${one} .selected=${one === present}>${zoneName(one, store.now(), store.lang)}</option>`;
  const hint = source.zone_wanted ? t('source.zone_moving', { zone: zoneName(source.zone_wanted, store.now(), store.lang) }) : t('source.zone_hint');
  return field({ id: 'source-zone', label: t('source.zone'), hint, problem: form.problem('zone') }, ({ described, invalid }) => html`
    <select class="form-select" id="source-zone" name="zone" aria-describedby=${described} aria-invalid=${invalid}>
      <optgroup label=${t('source.zone_usual')}>${usual.map(option)}</optgroup><optgroup label=${t('source.zone_all')}>${others.map(option)}</optgroup></select>`);
}

/** @param {Source} source @param {Context} context */
function settings(source, { form, save, standing, act }) {
  if (!store.isAdmin) return nothing;
  const { t } = store;
  const all = acts(source);
  const shown = form.error?.errors.length && form.error.errors.every(({ field: name }) => ['name', 'cadence_minutes', 'zone'].includes(name));
  const others = [
    source.type === 'api_key' && source.connection ? 'replace' : '', source.type === 'oauth2' && source.connection && !all.has('reconnect') ? 'reconnect' : '',
    source.properties.length > 1 && source.property ? 'choose' : '', all.has('pause') ? 'pause' : '', 'delete',
  ].filter(Boolean);
  return html`
    <section class="card widget" aria-labelledby="settings-title">
      <header class="widget-head"><h2 id="settings-title">${t('source.settings')}</h2></header>
      <form class="source-form" @submit=${save} novalidate>
        ${shown ? nothing : formError(form.error)}
        ${field({ id: 'source-rename', label: t('add.name'), problem: form.problem('name') }, ({ described, invalid }) => html`
          <input class="form-control" id="source-rename" name="name" required maxlength="80" autocomplete="off" value=${source.name} aria-describedby=${described} aria-invalid=${invalid} @input=${() => form.forgive('name')}>`)}
        ${rhythm(source, form)}${zone(source, form)}
        <div class="card-buttons"><button type="submit" class="btn btn-primary" ?disabled=${form.busy}>${form.busy ? t('dialog.busy') : t('source.save')}</button></div>
      </form>
      <div class="source-actions source-others">${others.map((name) => actButton(source, name, standing, act))}</div>
    </section>`;
}

/** @param {Source} source @param {Context} context */
export function sourcePage(source, context) {
  const { t } = store;
  const { model, standing, act } = context;
  return html`
    <article class="card source" data-source=${source.id} aria-labelledby="name-${source.id}">
      <header class="source-head">${logo(source)}<div><h2 id="name-${source.id}">${t(`provider.${source.provider}`)}</h2>${access(source)}</div>${states(source)}</header>
      ${news(source)}
      ${standing.notice}
      ${clocks(source)}
      ${store.isAdmin ? html`<div class="source-actions">${mainActs(source, standing, act)}</div>` : nothing}
    </article>
    ${choice(source, context)}
    ${streams(source)}
    ${runs(model.runs, { open: model.openRun, log: model.log, toggle: model.toggleRun, streams: source.streams })}
    ${settings(source, context)}`;
}
