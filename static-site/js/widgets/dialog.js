// One modal dialog: a question or a short form. What is asked is data; the page that opened it holds the state.
import { html, nothing } from '../html.js';
import { store } from '../store.js';
import { formError } from './faces.js';

/**
 * @typedef {object} Dialog
 * @property {string} title
 * @property {string} [text]
 * @property {() => unknown} [body] fields and facts between the text and the buttons
 * @property {string[]} [fields] that show the server's objection themselves
 * @property {string} confirm the button's word
 * @property {boolean} [danger]
 * @property {boolean} [wide]
 * @property {() => boolean} [ready] false keeps the button off
 * @property {(data: FormData) => Promise<unknown>} submit
 * @property {() => void} [closed]
 * @property {boolean} [busy]
 * @property {import('../api.js').ApiError|null} [error]
 */

/** What the server says about a field of the dialog. @param {Dialog|{error?: import('../api.js').ApiError|null}} dialog @param {string} field */
export const problemOf = (dialog, field) => dialog.error?.errors.find((e) => e.field === field)?.detail ?? '';

/**
 * A labelled field with its hint and the server's objection.
 * @param {{id: string, label: string, hint?: string, problem?: string}} about
 * @param {(attributes: {described: unknown, invalid: unknown}) => unknown} control draws the input with the names to refer to
 */
export function field({ id, label, hint = '', problem = '' }, control) {
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ') || nothing;
  return html`
    <div class="form-field"><label class="form-label" for=${id}>${label}</label>
      ${control({ described, invalid: problem ? 'true' : nothing })}
      ${hint ? html`<p class="form-hint" id="${id}-hint">${hint}</p>` : nothing}
      ${problem ? html`<p class="field-problem" id="${id}-problem">${problem}</p>` : nothing}
    </div>`;
}

/** @param {Dialog} dialog @param {{closeDialog: () => void, submitDialog: (event: SubmitEvent) => void}} page */
export function dialogTemplate(dialog, page) {
  const { t } = store;
  // Objections to a field stand beside it; only the others are told above the buttons.
  const shown = dialog.error?.errors.length && dialog.error.errors.every((e) => dialog.fields?.includes(e.field));
  return html`
    <dialog class="dialog ${dialog.wide ? 'dialog-wide' : ''}" data-open aria-labelledby="dialog-title" aria-describedby=${dialog.text ? 'dialog-text' : nothing}
      @cancel=${(/** @type {Event} */ e) => { e.preventDefault(); page.closeDialog(); }} @close=${page.closeDialog}>
      <form @submit=${page.submitDialog} novalidate>
        <h2 id="dialog-title">${dialog.title}</h2>
        ${dialog.text ? html`<p id="dialog-text">${dialog.text}</p>` : nothing}
        ${dialog.body?.() ?? nothing}
        ${shown ? nothing : formError(dialog.error ?? null)}
        <div class="dialog-buttons">
          <button type="button" class="btn" ?disabled=${dialog.busy} @click=${page.closeDialog}>${t('dialog.cancel')}</button>
          <button type="submit" class="btn ${dialog.danger ? 'btn-danger' : 'btn-primary'}" ?disabled=${dialog.busy || (dialog.ready && !dialog.ready())}>
            ${dialog.busy ? t('dialog.busy') : dialog.confirm}</button>
        </div>
      </form>
    </dialog>`;
}
