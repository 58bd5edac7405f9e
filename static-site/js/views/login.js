// Sign-in: password, then the code of the second step where the account has one.
import { identity } from '../api-identity.js';
import { focusOn } from '../dom.js';
import { Form } from '../form.js';
import { html, nothing, render } from '../html.js';
import { icon } from '../icons.js';
import { safeNext } from '../lib/url.js';
import { store } from '../store.js';
import { codeField, field, formNotice, waitNotice } from '../widgets/fields.js';
import { gate } from '../widgets/gate.js';

/** The address somebody has just proved elsewhere (an accepted invitation); kept out of the page's address. */
let knownEmail = '';

/** @param {string} email */
export const fillIn = (email) => {
  knownEmail = email;
};

class LoginView {
  /** The second step's ticket: proof of the password, in memory only. @type {string|null} */
  ticket = null;
  recovery = false;
  /** The second step took too long. */
  expired = false;

  /** @param {HTMLElement} root @param {import('../lib/url.js').Location} location @param {() => Promise<void>} adoptLanguage */
  constructor(root, location, adoptLanguage) {
    this.root = root;
    this.next = location.params.next;
    this.adoptLanguage = adoptLanguage;
    this.email = knownEmail;
    knownEmail = '';
    this.form = new Form(() => this.draw());
    this.draw();
  }

  get title() {
    return store.t(this.ticket ? 'login.code_title' : 'login.title');
  }

  /** The session is there (api.js took it); on to where the person wanted to be. */
  async #enter() {
    await this.adoptLanguage();
    globalThis.location.replace(`#${safeNext(this.next)}`);
  }

  /** @param {SubmitEvent} event */
  submit = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const data = new FormData(form);
    this.email = String(data.get('email')).trim();
    this.expired = false;
    /** @type {any} */
    let answer = null;
    const done = await this.form.send(async () => {
      answer = await identity.login(this.email, String(data.get('password')));
    }, form);
    if (!done) return /** @type {HTMLInputElement|null} */ (form.elements.namedItem('password'))?.select();
    form.reset();
    if (!answer.mfa_required) return this.#enter();
    this.ticket = answer.ticket;
    this.recovery = false;
    this.#step('#code, #recovery');
  };

  /** @param {SubmitEvent} event */
  verify = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const typed = String(new FormData(form).get(this.recovery ? 'recovery' : 'code'));
    // Applications show the digits in groups, and people type them so.
    const code = this.recovery ? typed.trim() : typed.replace(/\s/g, '');
    if (await this.form.send(() => identity.verify(/** @type {string} */ (this.ticket), code), form)) {
      this.ticket = null;
      return this.#enter();
    }
    if (this.form.error?.code === 'bad_ticket') {
      this.form.error = null;
      this.expired = true;
      this.ticket = null;
      return this.#step('#password');
    }
    return /** @type {HTMLInputElement|null} */ (form.querySelector('.form-control'))?.select();
  };

  #switch = () => {
    this.recovery = !this.recovery;
    this.form.error = null;
    this.#step('#code, #recovery');
  };

  #back = () => {
    this.ticket = null;
    this.form.error = null;
    this.#step('#password');
  };

  /** @param {string} selector the field of the new step */
  #step(selector) {
    this.draw();
    focusOn(selector, this.root);
  }

  /** One sentence for every cause of a refusal, so that it tells nobody which addresses exist. @param {string} refused */
  #notice(refused) {
    const { form } = this;
    if (form.wait) return waitNotice(form.wait);
    if (form.error?.status !== 401) return formNotice(form, [], 'login-error');
    return html`<div class="notice notice-bad" role="alert" id="login-error">${icon('alert')}<p>${refused}</p></div>`;
  }

  #password() {
    const { t } = store;
    const { form } = this;
    const wrong = Boolean(form.error) && !form.wait;
    const about = wrong && 'login-error';
    return html`
      <form class="card card-body login-card" @submit=${this.submit} novalidate>
        ${this.expired && !form.error ? html`<div class="notice notice-warn" role="alert">${icon('clock')}<p>${t('login.ticket_expired')}</p></div>` : nothing}
        ${this.#notice(t('login.refused'))}
        ${field({ id: 'email', label: t('login.email'), type: 'email', value: this.email, autocomplete: 'username', inputmode: 'email', invalid: wrong, about })}
        ${field({ id: 'password', label: t('login.password'), type: 'password', autocomplete: 'current-password', invalid: wrong, about })}
        <button class="btn btn-primary w-100" type="submit" ?disabled=${form.closed}>${form.busy ? t('login.busy') : t('login.submit')}</button>
        <p class="login-more"><a href="#/forgot">${t('login.forgot')}</a></p>
      </form>`;
  }

  #code() {
    const { t } = store;
    const { form, recovery } = this;
    const wrong = form.error?.status === 401 ? t(recovery ? 'login.bad_recovery' : 'login.bad_code') : '';
    return html`
      <form class="card card-body login-card" @submit=${this.verify} novalidate>
        ${wrong ? nothing : this.#notice('')}
        ${recovery
          ? field({ id: 'recovery', label: t('login.recovery_label'), problem: wrong, hint: t('login.recovery_hint'), maxlength: 40 })
          : codeField('code', wrong)}
        <button class="btn btn-primary w-100" type="submit" ?disabled=${form.closed}>${form.busy ? t('login.busy') : t('login.verify')}</button>
        <p class="login-more">
          <button type="button" class="link" id="switch" @click=${this.#switch}>${t(recovery ? 'login.use_app' : 'login.use_recovery')}</button>
          <button type="button" class="link" id="back" @click=${this.#back}>${t('login.other_account')}</button></p>
      </form>`;
  }

  draw() {
    const { t } = store;
    render(this.ticket
      ? gate(t('login.code_title'), t(this.recovery ? 'login.recovery_lead' : 'login.code_lead'), this.#code(), html`<p class="text-secondary login-note">${t('login.lost_phone')}</p>`)
      : gate(t('login.title'), t(this.next ? 'login.continue' : 'login.lead'), this.#password(), html`<p class="text-secondary login-note">${t('login.note')}</p>`), this.root);
  }

  stop() {
    this.ticket = null;
    this.form.stop();
    this.draw = () => {};
  }
}

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location @param {() => Promise<void>} adoptLanguage */
export const loginView = (root, location, adoptLanguage) => new LoginView(root, location, adoptLanguage);
