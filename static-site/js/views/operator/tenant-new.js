// The dialog for a new company: name, who administers it, and either a company it is made like or plan and place.
import { operator } from '../../api-admin.js';
import { html, nothing } from '../../html.js';
import { change, go } from '../../router.js';
import { store } from '../../store.js';
import { field, problemOf } from '../../widgets/dialog.js';
import { placeFields } from '../../widgets/place-fields.js';
import { planName } from '../../words.js';

/** @typedef {import('../../widgets/dialog.js').Dialog} Dialog */
/** @typedef {{id: string, name: string, plan: string}} Model a company that another is made like */
/** @typedef {{plans: {key: string}[], models: Model[], like?: string}} Offer `like`: the model chosen from the start */

/** The plan of a company that is made like no other, unless chosen. */
const USUAL_PLAN = 'standard';

/** @param {Dialog} dialog @param {string} name @param {string} label @param {string} hint @param {'text'|'email'} type */
const text = (dialog, name, label, hint, type) => field(
  { id: `new-${name}`, label, hint, problem: problemOf(dialog, name) },
  ({ described, invalid }) => html`<input class="form-control" id="new-${name}" name=${name} type=${type} maxlength=${type === 'email' ? 254 : 120} autocomplete="off" spellcheck="false" required aria-describedby=${described} aria-invalid=${invalid}>`,
);

/** @param {Dialog} dialog @param {Model[]} models @param {string} like @param {(id: string) => void} chosen */
function template(dialog, models, like, chosen) {
  const { t } = store;
  return field({ id: 'new-template', label: t('tenants.template'), hint: t('tenants.template_hint'), problem: problemOf(dialog, 'template') }, ({ described, invalid }) => html`
    <select class="form-select" id="new-template" aria-describedby=${described} aria-invalid=${invalid} @change=${(/** @type {any} */ e) => chosen(e.target.value)}>
      <option value="" .selected=${!like}>${t('tenants.template_none')}</option>
      ${models.map((one) => html`<option value=${one.id} .selected=${one.id === like}>${one.name}</option>`)}</select>`);
}

/** @param {Dialog} dialog @param {{key: string}[]} plans @param {Model|undefined} model */
function plan(dialog, plans, model) {
  const { t } = store;
  const usual = model ? t('tenants.plan_same', { name: model.name, plan: planName(model.plan) }) : t('tenants.plan_usual', { plan: planName(USUAL_PLAN) });
  return field({ id: 'new-plan', label: t('tenants.plan'), problem: problemOf(dialog, 'plan') }, ({ described, invalid }) => html`
    <select class="form-select" id="new-plan" name="plan" aria-describedby=${described} aria-invalid=${invalid}><option value="">${usual}</option>${plans.map(({ key }) => html`<option value=${key}>${planName(key)}</option>`)}</select>`);
}

/** @param {import('../../page.js').Page} page @param {Offer} offer */
export function newTenant(page, { plans, models, like = '' }) {
  const { t } = store;
  /** @type {import('../../widgets/place-fields.js').Place} */
  let place = { zone: 'Europe/Madrid', currency: 'EUR', locale: store.lang === 'en' ? 'en-GB' : 'es-ES', week_start: 'monday' };
  let other = false;
  let chosen = models.some((one) => one.id === like) ? like : '';
  let made = '';
  const where = () => html`<div class="field-grid">${placeFields({
    place, prefix: 'new', other, problem: (name) => problemOf(dialog, name) || problemOf(dialog, `settings.${name}`),
    changed: (changes, typed) => { place = { ...place, ...changes }; other = typed ?? other; page.draw(); },
  })}</div>`;
  /** @type {Dialog} */
  const dialog = {
    title: t('tenants.new'), text: t('tenants.new_text'), confirm: t('tenants.create'), wide: true,
    fields: ['name', 'admin_email', 'template', 'plan', ...Object.keys(place).flatMap((key) => [key, `settings.${key}`])],
    body: () => {
      const model = models.find((one) => one.id === chosen);
      return html`
        ${text(dialog, 'name', t('settings.name'), '', 'text')}
        ${text(dialog, 'admin_email', t('tenants.admin'), t('tenants.admin_hint'), 'email')}
        ${models.length ? template(dialog, models, chosen, (id) => { chosen = id; page.draw(); }) : nothing}
        ${plans.length > 1 ? plan(dialog, plans, model) : nothing}
        ${model ? html`<p class="form-hint">${t('tenants.template_place', { name: model.name })}</p>` : where()}`;
    },
    submit: async (data) => {
      const wish = data.get('plan');
      const tenant = await operator.createTenant({
        name: String(data.get('name')).trim(), admin_email: String(data.get('admin_email')).trim(),
        ...(chosen ? { template: chosen } : { settings: place }), ...(wish ? { plan: wish } : {}),
      });
      made = tenant.id;
    },
    // The dialog stands in the address: leaving it takes it out again, or leads to what was made.
    closed: () => (made ? go(`/operator/tenants/${encodeURIComponent(made)}`, { created: '1' }, true) : change({ new: null, like: null }, true)),
  };
  page.ask(dialog);
}
