// Changing the own password: the present one, then the new one. All other sessions end.
import { identity } from '../api-identity.js';
import { announce } from '../dom.js';
import { Form } from '../form.js';
import { html } from '../html.js';
import { store } from '../store.js';
import { passwordAgain, formNotice, goodNotice } from '../widgets/fields.js';
import { MINIMUM, MINIMUM_WITH_MFA, PasswordField } from '../widgets/password-field.js';

export class PasswordChange {
  changed = false;

  /** @param {() => void} draw @param {() => void} done @param {() => boolean} withMfa */
  constructor(draw, done, withMfa) {
    this.form = new Form(draw);
    this.done = done;
    this.fresh = new PasswordField('new', this.form, () => {
      const { user, tenant } = store.session ?? {};
      return { min: withMfa() ? MINIMUM_WITH_MFA : MINIMUM, context: [store.t('app.name'), tenant?.name ?? '', user?.name ?? '', user?.email ?? ''] };
    });
  }

  /** @param {SubmitEvent} event */
  submit = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const current = String(new FormData(form).get('current'));
    this.changed = false;
    if (!(await this.form.send(() => identity.changePassword(current, this.fresh.value), form))) return;
    form.reset();
    this.fresh.clear();
    this.changed = true;
    this.done();
    announce(store.t('account.password_changed'));
  };

  /** @param {import('./profile.js').Account} account */
  template(account) {
    const { t, format } = store;
    const { form } = this;
    const at = account.password_changed_at;
    return html`
      <form @submit=${this.submit} novalidate>
        ${formNotice(form, ['current', 'new'], 'change-problem')}
        ${goodNotice(this.changed ? t('account.password_changed') : '')}
        <p class="section-lead">${at ? t('account.password_since', { at: format.instant(at) }) : ''} ${t('account.password_lead')}</p>
        <input class="visually-hidden" type="text" name="username" autocomplete="username" value=${account.user.email} readonly tabindex="-1" aria-hidden="true">
        <div class="narrow">
          ${passwordAgain('current', t('password.current'), form.problem('current'))}
          ${this.fresh.template(t('password.new'))}
        </div>
        <div class="section-buttons"><button type="submit" class="btn btn-primary" ?disabled=${form.closed}>${form.busy ? t('form.saving') : t('account.change_password')}</button></div>
      </form>`;
  }

  stop() {
    this.form.stop();
  }
}
