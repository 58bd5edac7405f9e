// An invitation from a mail: who invites, to what, as whom, until when; then a name and a password for those who have none yet.
import { api } from '../api.js';
import { identity } from '../api-identity.js';
import { focusOn } from '../dom.js';
import { Form } from '../form.js';
import { html, nothing, render } from '../html.js';
import { Resource } from '../resource.js';
import { store } from '../store.js';
import { takeToken } from '../token.js';
import { failed, skeleton } from '../widgets/faces.js';
import { field, formNotice } from '../widgets/fields.js';
import { gate, verdict } from '../widgets/gate.js';
import { MINIMUM, PasswordField } from '../widgets/password-field.js';
import { fillIn } from './login.js';

/** @typedef {{tenant_name: string, email: string, role: string, invited_by: string|null, has_account: boolean, expires_at: string}} Invitation */

class InvitationView {
  /** @type {{email: string, tenant_name: string}|null} */
  accepted = null;
  draw = () => render(this.#page(), this.root);

  /** @param {HTMLElement} root @param {() => void} signOut */
  constructor(root, signOut) {
    this.root = root;
    this.signOut = signOut;
    this.token = takeToken('/invitation');
    /** @type {Resource<Invitation>} */
    this.invitation = new Resource(() => this.draw());
    this.form = new Form(() => this.draw());
    this.password = new PasswordField('password', this.form, () => {
      const { tenant_name: company = '', email = '' } = this.invitation.data ?? {};
      return { min: MINIMUM, context: [store.t('app.name'), company, email] };
    });
    this.draw();
    if (this.token) this.invitation.load(() => identity.look(/** @type {string} */ (this.token)));
  }

  get title() {
    return store.t('invitation.title');
  }

  get dead() {
    return !this.token || [this.invitation.error, this.form.error].some((error) => error?.code === 'bad_token');
  }

  /** @param {SubmitEvent} event */
  submit = async (event) => {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const own = this.invitation.data?.has_account ? {} : { name: String(data.get('name')).trim(), password: this.password.value };
    const sent = await this.form.send(async () => {
      this.accepted = await identity.accept({ token: /** @type {string} */ (this.token), ...own });
    }, event.target);
    if (!sent && !this.dead) return;
    this.token = null;
    this.password.clear();
    this.draw();
    focusOn('h1', this.root);
    // Somebody who is signed in as this person finds the new company in the menu.
    if (sent && store.session) await api.session().catch(() => null);
  };

  #enter = () => {
    fillIn(/** @type {any} */ (this.accepted).email);
    if (store.session) this.signOut();
    else globalThis.location.hash = '#/login';
  };

  #done() {
    const { t } = store;
    const { email, tenant_name: company } = /** @type {{email: string, tenant_name: string}} */ (this.accepted);
    const member = store.session?.user.email === email;
    const text = member ? t('invitation.done_member', { company }) : store.session ? t('invitation.done_other', { email }) : t('invitation.done', { email });
    return gate(t('invitation.done_title', { company }), '', verdict('check', 'good', html`<p>${text}</p>`, member
      ? html`<a class="btn btn-primary w-100" href="#/dashboard">${t('invitation.go')}</a>`
      : html`<button type="button" class="btn btn-primary w-100" id="enter" @click=${this.#enter}>${t('login.submit')}</button>`));
  }

  /** @param {Invitation} invitation */
  #offer({ tenant_name: company, email, role, invited_by: inviter, has_account: known, expires_at: until }) {
    const { t, format } = store;
    const { form } = this;
    return gate(t('invitation.offer', { company }), t('invitation.lead', { company }), html`
      <form class="card card-body login-card" @submit=${this.submit} novalidate>
        <dl class="offer">
          ${inviter ? html`<div><dt>${t('invitation.by')}</dt><dd>${inviter}</dd></div>` : nothing}
          <div><dt>${t('invitation.for')}</dt><dd>${email}</dd></div>
          <div><dt>${t('invitation.role')}</dt><dd>${t(`role.${role}`)}<span>${t(`invitation.role.${role}`)}</span></dd></div>
          <div><dt>${t('invitation.until')}</dt><dd><time datetime=${until}>${format.instant(until)}</time></dd></div>
        </dl>
        ${formNotice(form, ['name', 'password'])}
        ${known ? html`<p class="text-secondary known">${t('invitation.known')}</p>` : html`
          <input class="visually-hidden" type="text" name="username" autocomplete="username" value=${email} readonly tabindex="-1" aria-hidden="true">
          ${field({ id: 'name', label: t('account.name'), autocomplete: 'name', maxlength: 200, problem: form.problem('name') })}
          ${this.password.template(t('login.password'))}`}
        <button class="btn btn-primary w-100" type="submit" ?disabled=${form.closed}>${form.busy ? t('form.saving') : t(known ? 'invitation.accept' : 'invitation.accept_new')}</button>
      </form>`);
  }

  #page() {
    const { t } = store;
    const { invitation } = this;
    if (this.accepted) return this.#done();
    if (this.dead) {
      return gate(t('invitation.dead_title'), '', verdict('alert', 'bad', html`<p>${t('invitation.dead')}</p>`,
        store.session ? nothing : html`<a class="btn w-100" href="#/login">${t('invitation.dead_action')}</a>`));
    }
    if (invitation.data) return this.#offer(invitation.data);
    return gate(t('invitation.title'), '', html`<section class="card card-body login-card">
      ${invitation.error ? failed(invitation.error, () => invitation.retry()) : skeleton('list')}</section>`);
  }

  stop() {
    this.token = null;
    this.draw = () => {};
    this.form.stop();
    this.invitation.stop();
  }
}

/** @param {HTMLElement} root @param {() => void} signOut */
export const invitationView = (root, signOut) => new InvitationView(root, signOut);
