// The own account: who one is, how one signs in, and where one is signed in.
import { PasswordChange } from '../account/password.js';
import { Profile } from '../account/profile.js';
import { Sessions } from '../account/sessions.js';
import { TwoStep } from '../account/two-step.js';
import { api } from '../api.js';
import { identity } from '../api-identity.js';
import { openDialogs } from '../dom.js';
import { html, nothing, render } from '../html.js';
import { icon } from '../icons.js';
import { Resource } from '../resource.js';
import { store } from '../store.js';
import { failed, skeleton } from '../widgets/faces.js';

/** @typedef {{adoptLanguage: () => Promise<void>, signedOut: () => void}} Actions */

/** @param {string} id @param {string} title @param {unknown} content @param {unknown} [state] */
const section = (id, title, content, state = nothing) => html`
  <section class="card section" aria-labelledby="${id}-title">
    <header class="section-head"><h2 id="${id}-title" tabindex="-1">${title}</h2>${state}</header>
    ${content}
  </section>`;

class AccountView {
  /** @param {HTMLElement} root @param {Actions} actions */
  constructor(root, { adoptLanguage, signedOut }) {
    this.root = root;
    const draw = () => this.draw();
    /** @type {Resource<import('../account/profile.js').Account>} */
    this.account = new Resource(draw);
    this.sessions = new Sessions(draw, signedOut);
    this.profile = new Profile(draw, (account) => {
      this.account.data = account;
    }, adoptLanguage);
    this.password = new PasswordChange(draw, () => this.#reload(), () => Boolean(this.account.data?.mfa.enabled));
    this.twoStep = new TwoStep(draw, () => {
      // The session says whether there is a second step; dialogs go by that.
      api.session().catch(() => null);
      this.#reload();
    });
    this.listen = new AbortController();
    store.addEventListener('tick', draw, { signal: this.listen.signal });
    window.addEventListener('beforeunload', this.#warn, { signal: this.listen.signal });
    this.#reload();
  }

  get title() {
    return store.t('account.title');
  }

  #load = () => this.account.load((signal) => identity.account(signal));

  #reload() {
    this.#load();
    this.sessions.load();
  }

  /** Codes that are shown once must not go by an accidental reload. @param {BeforeUnloadEvent} event */
  #warn = (event) => {
    if (this.twoStep.holding) event.preventDefault();
  };

  #sections() {
    const { t } = store;
    const { data, error } = this.account;
    if (error) return html`<section class="card section">${failed(error, this.#load)}</section>`;
    if (!data) return html`<section class="card section">${skeleton('list')}</section>`;
    const state = data.mfa.enabled
      ? html`<span class="state state-good">${icon('check')}${t('mfa.state_on')}</span>`
      : html`<span class="state state-calm">${t('mfa.state_off')}</span>`;
    return html`
      ${section('profile', t('account.profile'), this.profile.template(data))}
      ${section('mfa', t('mfa.title'), this.twoStep.template(data), state)}
      ${section('password', t('login.password'), this.password.template(data))}`;
  }

  draw() {
    const { t } = store;
    render(html`
      <div class="sheet sheet-narrow">
        <header class="page-head"><div><h1 tabindex="-1">${t('account.title')}</h1><p class="page-sub">${store.session?.user.email}</p></div></header>
        ${this.#sections()}
        ${section('sessions', t('session.title'), html`<p class="section-lead">${t('session.lead')}</p>${this.sessions.template()}`)}
      </div>`, this.root);
    openDialogs(this.root);
  }

  stop() {
    this.listen.abort();
    this.draw = () => {};
    for (const part of [this.account, this.sessions, this.profile, this.password, this.twoStep]) part.stop();
  }
}

/** @param {HTMLElement} root @param {Actions} actions */
export const accountView = (root, actions) => new AccountView(root, actions);
