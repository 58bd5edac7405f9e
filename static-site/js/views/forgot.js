// "Forgot the password": the answer is the same whether there is such an account or not.
import { identity } from '../api-identity.js';
import { focusOn } from '../dom.js';
import { Form } from '../form.js';
import { html, render } from '../html.js';
import { store } from '../store.js';
import { field, formNotice } from '../widgets/fields.js';
import { gate, verdict } from '../widgets/gate.js';

/** @param {HTMLElement} root */
export function forgotView(root) {
  let sentTo = '';
  const form = new Form(draw);

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const email = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('email')).trim();
    if (!(await form.send(() => identity.forgot(email), event.target))) return;
    sentTo = email;
    draw();
    focusOn('h1', root);
  }

  function again() {
    sentTo = '';
    draw();
    focusOn('#email', root);
  }

  function draw() {
    const { t } = store;
    const back = html`<p class="login-note"><a href="#/login">${t('forgot.back')}</a></p>`;
    render(sentTo
      ? gate(t('forgot.sent_title'), '', verdict('mail', 'good', html`<p>${t('forgot.sent', { email: sentTo })}</p><p class="text-secondary">${t('forgot.sent_hint')}</p>`,
        html`<button type="button" class="btn w-100" @click=${again}>${t('forgot.again')}</button>`), back)
      : gate(t('forgot.title'), t('forgot.lead'), html`
        <form class="card card-body login-card" @submit=${submit} novalidate>
          ${formNotice(form, ['email'])}
          ${field({ id: 'email', label: t('login.email'), type: 'email', autocomplete: 'username', inputmode: 'email', problem: form.problem('email') })}
          <button class="btn btn-primary w-100" type="submit" ?disabled=${form.closed}>${form.busy ? t('forgot.busy') : t('forgot.submit')}</button>
        </form>`, back), root);
  }
  draw();
  return { get title() { return store.t('forgot.title'); }, draw, stop: () => form.stop() };
}
