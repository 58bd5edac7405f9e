// Name and language of the own account.
import { identity } from '../api-identity.js';
import { announce } from '../dom.js';
import { Form } from '../form.js';
import { html } from '../html.js';
import { LANGUAGES } from '../lib/i18n.js';
import { store } from '../store.js';
import { field, formNotice, goodNotice } from '../widgets/fields.js';

/** @typedef {{user: {id: string, email: string, name: string, locale: string}, password_changed_at: string|null, mfa: {enabled: boolean, since: string|null, recovery_codes_left: number, enforced: boolean}}} Account */

export class Profile {
  saved = false;

  /** @param {() => void} draw @param {(account: Account) => void} changed @param {() => Promise<void>} adoptLanguage */
  constructor(draw, changed, adoptLanguage) {
    this.form = new Form(draw);
    this.changed = changed;
    this.adoptLanguage = adoptLanguage;
  }

  /** @param {SubmitEvent} event */
  submit = async (event) => {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    this.saved = false;
    const before = store.session?.user.locale;
    const done = await this.form.send(async () => {
      const account = await identity.changeAccount({ name: String(data.get('name')).trim(), locale: String(data.get('locale')) });
      this.changed(account);
      const { session } = store;
      if (session) store.setSession({ ...session, user: { ...session.user, ...account.user } });
    }, event.target);
    if (!done) return;
    this.saved = true;
    if (store.session?.user.locale !== before) {
      store.forgetLanguage();
      await this.adoptLanguage();
    }
    this.form.draw();
    announce(store.t('account.saved'));
  };

  /** @param {Account} account */
  template({ user }) {
    const { t } = store;
    const { form } = this;
    return html`
      <form @submit=${this.submit} novalidate>
        ${formNotice(form, ['name', 'locale'], 'profile-problem')}
        ${goodNotice(this.saved ? t('account.saved') : '')}
        <div class="pair">
          ${field({ id: 'name', label: t('account.name'), value: user.name, autocomplete: 'name', maxlength: 200, problem: form.problem('name') })}
          <div class="field">
            <label class="form-label" for="locale">${t('menu.language')}</label>
            <select class="form-select" id="locale" name="locale">
              ${LANGUAGES.map((lang) => html`<option value=${lang} ?selected=${user.locale.startsWith(lang)}>${t(`language.${lang}`)}</option>`)}
            </select>
          </div>
        </div>
        <p class="field-hint">${t('account.email_fixed', { email: user.email })}</p>
        <div class="section-buttons"><button type="submit" class="btn btn-primary" ?disabled=${form.closed}>${form.busy ? t('form.saving') : t('form.save')}</button></div>
      </form>`;
  }

  stop() {
    this.form.stop();
  }
}
