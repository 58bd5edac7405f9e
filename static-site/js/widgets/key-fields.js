// A key for a provider: where to make it, which permissions to tick, and the field to paste it into.
import { html } from '../html.js';
import { icon } from '../icons.js';
import { STRIPE_PERMISSIONS } from '../lib/sources.js';
import { store } from '../store.js';
import { field } from './dialog.js';

/** Why a key will not do belongs beside its field, whether the portal or the provider says so. @param {import('../api.js').ApiError|null|undefined} error */
export function keyProblem(error) {
  if (error?.status !== 422) return '';
  return error.errors.find((one) => one.field === 'key')?.detail ?? (error.errors.length ? '' : error.message);
}

/** Rewrites such a refusal so that the dialog shows it at the field. @template T @param {Promise<T>} work */
export const atKey = (work) => work.catch((error) => {
  const detail = keyProblem(error);
  if (detail && !error.errors.length) error.errors = [{ field: 'key', code: error.code, detail }];
  throw error;
});

/** The rows to tick, as the provider's page names them, and what each is for. */
export const permissions = () => html`
  <ul class="scopes ticks">${STRIPE_PERMISSIONS.map(({ label, names }) => html`
    <li>${icon('check')}<span><strong>${label}</strong> <span class="muted">${store.t(`permission.${names[0]}`)}</span></span></li>`)}</ul>`;

/** How to make a key, step by step. */
export const keySteps = () => html`
  <ol class="key-steps">
    <li>${store.t('key.step_open')} <code>${'dashboard.stripe.com/apikeys'}</code></li>
    <li>${store.t('key.step_make')}</li>
    <li>${store.t('key.step_tick')}${permissions()}</li>
    <li>${store.t('key.step_paste')}</li>
  </ol>`;

/** @param {string} problem */
export const keyField = (problem) => field({ id: 'source-key', label: store.t('key.label'), hint: store.t('key.hint'), problem }, ({ described, invalid }) => html`
  <input class="form-control key-input" id="source-key" name="key" type="password" required maxlength="300" autocomplete="off" spellcheck="false" autocapitalize="none" placeholder=${'rk_live_…'}
    aria-describedby=${described} aria-invalid=${invalid}>`);
