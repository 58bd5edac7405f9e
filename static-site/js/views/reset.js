// A new password with the link of a mail. Opening the page uses nothing up: only the button does.
import { api } from '../api.js';
import { identity } from '../api-identity.js';
import { focusOn } from '../dom.js';
import { Form } from '../form.js';
import { html, render } from '../html.js';
import { store } from '../store.js';
import { takeToken } from '../token.js';
import { formNotice } from '../widgets/fields.js';
import { gate, verdict } from '../widgets/gate.js';
import { MINIMUM, PasswordField } from '../widgets/password-field.js';

/** @param {HTMLElement} root */
export function resetView(root) {
  let token = takeToken('/reset');
  /** @type {'form'|'done'|'dead'} */
  let face = token ? 'form' : 'dead';
  const form = new Form(draw);
  // Whose password it is only the server knows, and so whether a second step allows a shorter one.
  const password = new PasswordField('password', form, () => ({ min: MINIMUM, context: [store.t('app.name')], eitherMinimum: true }));

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const sent = await form.send(() => identity.reset(/** @type {string} */ (token), password.value), event.target);
    if (!sent && form.error?.code !== 'bad_token') return;
    face = sent ? 'done' : 'dead';
    token = null;
    password.clear();
    draw();
    focusOn('h1', root);
    // Every session of that person has ended; if it was the one of this page, the page forgets it too.
    if (sent && store.session) await api.session().catch((error) => error.status === 401 && store.setSession(null));
  }

  function draw() {
    const { t } = store;
    if (face === 'dead') {
      return render(gate(t('reset.dead_title'), '', verdict('alert', 'bad', html`<p>${t('reset.dead')}</p>`,
        html`<a class="btn btn-primary w-100" href="#/forgot">${t('reset.dead_action')}</a>`)), root);
    }
    if (face === 'done') {
      return render(gate(t('reset.done_title'), '', verdict('check', 'good', html`<p>${t('reset.done')}</p>`,
        html`<a class="btn btn-primary w-100" href="#/login">${t('login.submit')}</a>`)), root);
    }
    return render(gate(t('reset.title'), t('reset.lead'), html`
      <form class="card card-body login-card" @submit=${submit} novalidate>
        ${formNotice(form, ['password'])}
        ${password.template(t('password.new'))}
        <button class="btn btn-primary w-100" type="submit" ?disabled=${form.closed}>${form.busy ? t('form.saving') : t('reset.submit')}</button>
      </form>`), root);
  }
  draw();
  return {
    get title() { return store.t('reset.title'); },
    draw,
    stop: () => {
      token = null;
      form.stop();
    },
  };
}
