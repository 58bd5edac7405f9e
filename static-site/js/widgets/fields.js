// Parts of forms: a field with its hint and problem, and the line above a form that says what is wrong with all of it.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { clock } from '../lib/countdown.js';
import { store } from '../store.js';
import { errorText } from './faces.js';

/** The ids that describe a field, or nothing. @param {...(string|false|undefined|'')} ids */
export const describedBy = (...ids) => ids.filter(Boolean).join(' ') || nothing;

/** @param {string} id @param {string} [problem] */
export const fieldProblem = (id, problem) => (problem ? html`<p class="field-problem" id="${id}-problem">${problem}</p>` : nothing);

/**
 * @typedef {object} Field
 * @property {string} id also its name
 * @property {string} label
 * @property {string} [problem]
 * @property {string} [hint]
 * @property {string} [type]
 * @property {string} [value] at first; what the person types is left alone
 * @property {string} [autocomplete]
 * @property {string} [inputmode]
 * @property {number} [maxlength]
 * @property {boolean} [invalid] wrong without a sentence of its own
 * @property {string|false} [about] id of an element that describes it
 */

/** @param {Field} field */
export const field = ({ id, label, problem, hint, type = 'text', value = '', autocomplete = 'off', inputmode, maxlength, invalid, about }) => html`
  <div class="field">
    <label class="form-label" for=${id}>${label}</label>
    <input class="form-control" id=${id} name=${id} type=${type} value=${value} autocomplete=${autocomplete} inputmode=${inputmode ?? nothing}
      autocapitalize="none" spellcheck="false" required maxlength=${maxlength ?? nothing} aria-invalid=${problem || invalid ? 'true' : nothing}
      aria-describedby=${describedBy(about, hint && `${id}-hint`, problem && `${id}-problem`)}>
    ${hint ? html`<p class="field-hint" id="${id}-hint">${hint}</p>` : nothing}
    ${fieldProblem(id, problem)}
  </div>`;

/** The present password, where an act asks for it again. @param {string} id @param {string} label @param {string} [problem] */
export const passwordAgain = (id, label, problem) => field({ id, label, problem, type: 'password', autocomplete: 'current-password' });

/** The code of the second step. @param {string} id @param {string} [problem] @param {string} [label] */
export const codeField = (id, problem, label = store.t('code.label')) =>
  field({ id, label, problem, autocomplete: 'one-time-code', inputmode: 'numeric', maxlength: 40 });

/** A running wait: the seconds are for the eye, a screen reader hears its beginning and its end. @param {number} seconds */
export const waitNotice = (seconds) => html`
  <div class="notice notice-warn">${icon('clock')}<p>${store.t('wait.text')} <strong class="wait-clock" role="timer" aria-live="off">${clock(seconds)}</strong></p></div>`;

/**
 * What is wrong with a form as a whole. Fields that show their own problem are left out.
 * @param {import('../form.js').Form} form @param {string[]} [fields] @param {string} [id]
 */
export function formNotice(form, fields = [], id = 'form-problem') {
  if (form.wait) return waitNotice(form.wait);
  const { error } = form;
  if (!error) return nothing;
  const rest = error.errors.filter((one) => !fields.includes(one.field));
  if (error.errors.length && !rest.length) return nothing;
  return html`<div class="notice notice-bad" role="alert" id=${id}>${icon('alert')}<div>
    ${rest.length ? rest.map((one) => html`<p>${one.detail || one.field}</p>`) : html`<p>${errorText(error)}</p>`}
    ${error.status >= 500 && error.requestId ? html`<p class="face-id">${store.t('face.request_id')} <code>${error.requestId}</code></p>` : nothing}</div></div>`;
}

/** A good end, shown in place; `announce` says it. @param {string} text */
export const goodNotice = (text) => (text ? html`<div class="notice notice-good">${icon('check')}<p>${text}</p></div>` : nothing);
