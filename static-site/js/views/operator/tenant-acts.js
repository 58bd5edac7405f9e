// What an operator can do to a whole company: suspend it, bring it back, delete it. Each says beforehand what happens.
import { operator } from '../../api-admin.js';
import { html, nothing } from '../../html.js';
import { after, graceDays, sameName } from '../../lib/operator.js';
import { store } from '../../store.js';
import { field, problemOf } from '../../widgets/dialog.js';
import { errorText } from '../../widgets/faces.js';
import { count, moment } from '../../words.js';

/** @typedef {import('../../widgets/dialog.js').Dialog} Dialog */
/** @typedef {import('./tenant.js').TenantPage} TenantPage */

const GRACE_DAYS = 30;
const PARTS = /** @type {const} */ (['members', 'people_removed', 'invitations', 'sources', 'datapoints', 'jobs']);

/** @param {Dialog} dialog */
const reason = (dialog) => field({ id: 'reason', label: store.t('tenant.reason'), hint: store.t('tenant.reason_hint'), problem: problemOf(dialog, 'reason') }, ({ described, invalid }) => html`
  <textarea class="form-control" id="reason" name="reason" rows="2" maxlength="500" aria-describedby=${described} aria-invalid=${invalid}></textarea>`);

/** Suspend, or bring back. @param {TenantPage} page @param {'active'|'suspended'} status */
export function askStatus(page, status) {
  const { t } = store;
  const { name } = page.data;
  const restores = status === 'active' && page.data.status === 'deleting';
  const act = restores ? 'restore' : status === 'suspended' ? 'suspend' : 'resume';
  /** @type {Dialog} */
  const dialog = {
    title: t(`tenant.${act}.title`, { name }), text: t(`tenant.${act}.text`), confirm: t(`tenant.${act}.confirm`), danger: act === 'suspend', fields: ['reason'],
    body: () => reason(dialog),
    submit: async (data) => {
      await operator.changeTenant(page.data.id, { status, reason: String(data.get('reason')).trim() || undefined }, page.data.etag);
      await page.load();
      // Suspended is what the page then says by itself.
      if (status === 'active') page.say('good', t(`tenant.${act}.done`, { name }));
      else page.hush(t(`tenant.${act}.done`, { name }));
    },
  };
  page.ask(dialog);
}

/** Another name. @param {TenantPage} page */
export function askName(page) {
  const { t } = store;
  const { name } = page.data;
  /** @type {Dialog} */
  const dialog = {
    title: t('tenant.rename.title', { name }), text: t('tenant.rename.text'), confirm: t('tenant.rename.confirm'), fields: ['name', 'reason'],
    body: () => html`${field({ id: 'rename', label: t('settings.name'), problem: problemOf(dialog, 'name') }, ({ described, invalid }) => html`
      <input class="form-control" id="rename" name="name" maxlength="120" autocomplete="off" spellcheck="false" required .defaultValue=${name} aria-describedby=${described} aria-invalid=${invalid}>`)}${reason(dialog)}`,
    submit: async (data) => {
      const tenant = await operator.changeTenant(page.data.id, { name: String(data.get('name')).trim(), reason: String(data.get('reason')).trim() || undefined }, page.data.etag);
      await page.load();
      page.say('good', t('tenant.rename.done', { name: tenant.name }));
    },
  };
  page.ask(dialog);
}

/** @param {Record<string, any>} removal */
const losses = (removal) => html`
  <p class="dialog-lead">${store.t('tenant.delete.goes')}</p>
  <dl class="losses">${PARTS.map((part) => html`<div><dt>${store.t(`tenant.goes.${part}`)}</dt><dd>${count(removal[part])}</dd></div>`)}</dl>`;

/** Deleting begins with the dry run: without its numbers there is nothing to confirm. @param {TenantPage} page */
export async function askDelete(page) {
  const { t } = store;
  const removal = await page.run('removal', () => operator.removal(page.data.id));
  if (!removal) return;
  let typed = '';
  let days = String(GRACE_DAYS);
  const when = () => {
    const grace = graceDays(days);
    return grace === null ? html`<p class="field-problem" role="alert">${t('tenant.delete.days_wrong')}</p>`
      : html`<p class="form-hint">${grace ? html`${t('tenant.delete.on')} <strong>${moment(after(store.now(), grace))}</strong>. ${t('tenant.delete.until')}` : t('tenant.delete.now')}</p>`;
  };
  /** @type {Dialog} */
  const dialog = {
    title: t('tenant.delete.title', { name: removal.name }), text: t('tenant.delete.text'), confirm: t('tenant.delete.confirm'), danger: true, wide: true,
    ready: () => sameName(typed, removal.name) && graceDays(days) !== null,
    body: () => html`
      ${losses(removal)}
      <div class="form-field"><label class="form-label" for="grace">${t('tenant.delete.days')}</label>
        <input class="form-control short" id="grace" inputmode="numeric" autocomplete="off" .value=${days} aria-describedby="grace-when" aria-invalid=${graceDays(days) === null ? 'true' : nothing}
          @input=${(/** @type {any} */ e) => { days = e.target.value; page.draw(); }}><div id="grace-when">${when()}</div></div>
      <div class="form-field"><label class="form-label" for="typed">${t('tenant.delete.type', { name: removal.name })}</label>
        <input class="form-control" id="typed" autocomplete="off" spellcheck="false" .value=${typed} @input=${(/** @type {any} */ e) => { typed = e.target.value; page.draw(); }}></div>`,
    submit: async () => {
      await operator.removeTenant(page.data.id, Number(graceDays(days)), page.data.etag);
      await page.load();
      page.hush(t('tenant.delete.done', { name: removal.name }));
    },
  };
  page.ask(dialog);
}

/** The text of a refusal; somebody else's change in between has words of its own. @param {import('../../api.js').ApiError} error */
export const refusal = (error) => (error.status === 412 ? store.t('tenant.stale') : errorText(error));
