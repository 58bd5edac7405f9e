// "Confirm that it is you": asked for by api.js when an act is sensitive and the password was given long ago.
import { identity } from './api-identity.js';
import { focusOn, openDialogs } from './dom.js';
import { Form } from './form.js';
import { html, nothing, render } from './html.js';
import { store } from './store.js';
import { codeField, passwordAgain, formNotice } from './widgets/fields.js';

/** Several requests may be refused at once; one answer serves them all. @type {Promise<boolean>|null} */
let asking = null;

/** @param {HTMLElement} root @param {Form} form @param {boolean} withCode @param {{submit: (event: SubmitEvent) => void, cancel: () => void}} actions */
function draw(root, form, withCode, { submit, cancel }) {
  const { t } = store;
  const fields = withCode ? ['password', 'code'] : ['password'];
  render(html`
    <dialog class="dialog" data-open aria-labelledby="reauth-title" aria-describedby="reauth-text" @cancel=${cancel}>
      <form @submit=${submit} novalidate>
        <h2 id="reauth-title">${t('reauth.title')}</h2>
        <p id="reauth-text">${t('reauth.text')}</p>
        ${formNotice(form, fields, 'reauth-problem')}
        <input class="visually-hidden" type="text" name="username" autocomplete="username" value=${store.session?.user.email ?? ''} readonly tabindex="-1" aria-hidden="true">
        ${passwordAgain('reauth-password', t('login.password'), form.problem('password'))}
        ${withCode ? codeField('reauth-code', form.problem('code')) : nothing}
        <div class="dialog-buttons">
          <button type="button" class="btn" @click=${cancel}>${t('reauth.cancel')}</button>
          <button type="submit" class="btn btn-primary" ?disabled=${form.closed}>${form.busy ? t('reauth.busy') : t('reauth.submit')}</button>
        </div>
      </form>
    </dialog>`, root);
}

/** @returns {Promise<boolean>} */
function ask() {
  const root = document.body.appendChild(document.createElement('div'));
  const listen = new AbortController();
  let withCode = Boolean(store.session?.user.mfa);
  return new Promise((resolve) => {
    /** @param {boolean} done */
    const close = (done) => {
      listen.abort();
      form.stop();
      // Closed before it goes, so that the focus returns to where it was.
      root.querySelector('dialog')?.close();
      root.remove();
      resolve(done);
    };
    const redraw = () => {
      // The session may know less than the server about the second step.
      withCode ||= Boolean(form.problem('code'));
      draw(root, form, withCode, { submit, cancel: () => close(false) });
    };
    const form = new Form(redraw);
    /** @param {SubmitEvent} event */
    const submit = async (event) => {
      event.preventDefault();
      const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
      const body = { password: String(data.get('reauth-password')), ...(withCode ? { code: String(data.get('reauth-code')).trim() } : {}) };
      if (await form.send(() => identity.reauthenticate(body), event.target)) close(true);
    };
    // Signed out meanwhile: nothing to confirm any more.
    store.addEventListener('session', () => !store.session && close(false), { signal: listen.signal });
    redraw();
    openDialogs(root);
    focusOn('#reauth-password', root);
  });
}

/** True once the server has the password (and code) again, false when the person would rather not. */
export function confirmIdentity() {
  asking ??= ask().finally(() => {
    asking = null;
  });
  return asking;
}
