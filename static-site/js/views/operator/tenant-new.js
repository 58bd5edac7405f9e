// The dialog for a new company: name, plan, place, and who administers it.
import { operator } from '../../api-admin.js';
import { html } from '../../html.js';
import { change, go } from '../../router.js';
import { store } from '../../store.js';
import { field, problemOf } from '../../widgets/dialog.js';
import { placeFields } from '../../widgets/place-fields.js';

/** @typedef {import('../../widgets/dialog.js').Dialog} Dialog */

/** @param {{key: string}[]} plans @param {Dialog} dialog */
function names(plans, dialog) {
  const { t } = store;
  const text = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ hint, /** @type {'text'|'email'} */ type) => field(
    { id: `new-${name}`, label, hint, problem: problemOf(dialog, name) },
    ({ described, invalid }) => html`<input class="form-control" id="new-${name}" name=${name} type=${type} maxlength="254" autocomplete="off" spellcheck="false" required aria-describedby=${described} aria-invalid=${invalid}>`,
  );
  return html`
    ${text('name', t('settings.name'), '', 'text')}
    ${text('admin_email', t('tenants.admin'), t('tenants.admin_hint'), 'email')}
    ${plans.length > 1 ? field({ id: 'new-plan', label: t('tenants.plan'), problem: problemOf(dialog, 'plan') }, ({ described, invalid }) => html`
      <select class="form-select" id="new-plan" name="plan" aria-describedby=${described} aria-invalid=${invalid}><option value="">${t('tenants.plan_usual')}</option>${plans.map((plan) => html`<option value=${plan.key}>${plan.key}</option>`)}</select>`) : ''}`;
}

/** @param {import('../../page.js').Page} page @param {{key: string}[]} plans */
export function newTenant(page, plans) {
  const { t } = store;
  /** @type {import('../../widgets/place-fields.js').Place} */
  let place = { zone: 'Europe/Madrid', currency: 'EUR', locale: store.lang === 'en' ? 'en-GB' : 'es-ES', week_start: 'monday' };
  let other = false;
  let made = '';
  /** @type {Dialog} */
  const dialog = {
    title: t('tenants.new'), text: t('tenants.new_text'), confirm: t('tenants.create'), wide: true,
    fields: ['name', 'admin_email', 'plan', ...Object.keys(place).flatMap((key) => [key, `settings.${key}`])],
    body: () => html`${names(plans, dialog)}
      <div class="field-grid">${placeFields({
        place, prefix: 'new', other, problem: (name) => problemOf(dialog, name) || problemOf(dialog, `settings.${name}`),
        changed: (changes, typed) => { place = { ...place, ...changes }; other = typed ?? other; page.draw(); },
      })}</div>`,
    submit: async (data) => {
      const tenant = await operator.createTenant({
        name: String(data.get('name')).trim(), admin_email: String(data.get('admin_email')).trim(), settings: place, ...(data.get('plan') ? { plan: data.get('plan') } : {}),
      });
      made = tenant.id;
    },
    // The dialog stands in the address: leaving it takes it out again, or leads to what was made.
    closed: () => (made ? go(`/operator/tenants/${encodeURIComponent(made)}`, { created: '1' }, true) : change({ new: null }, true)),
  };
  page.ask(dialog);
}
