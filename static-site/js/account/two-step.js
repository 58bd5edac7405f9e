// The second step of the own account: off, being set up, or on with its recovery codes.
import { identity } from '../api-identity.js';
import { announce, focusOn } from '../dom.js';
import { Form } from '../form.js';
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { store } from '../store.js';
import { codeField, passwordAgain, formNotice, goodNotice } from '../widgets/fields.js';
import { Enrolment } from './enrolment.js';
import { RecoveryCodes } from './recovery-codes.js';

/** Few enough to make new ones. */
const FEW_CODES = 3;

export class TwoStep {
  /** What the password and a code are asked for. @type {'renew'|'disable'|null} */
  asking = null;
  /** @type {RecoveryCodes|null} */
  renewed = null;
  said = '';

  /** @param {() => void} draw @param {() => void} changed the account is another one now */
  constructor(draw, changed) {
    this.draw = draw;
    this.changed = changed;
    this.form = new Form(draw);
    this.enrolment = this.#enrolment();
  }

  #enrolment() {
    return new Enrolment(() => this.draw(), () => this.changed(), () => this.#finish('mfa.is_on'));
  }

  /** Recovery codes are on the page and nowhere else. */
  get holding() {
    return Boolean(this.enrolment.codes ?? this.renewed);
  }

  /** @param {'mfa.is_on'|'mfa.renewed'|'mfa.is_off'} said */
  #finish(said) {
    this.enrolment.stop();
    this.enrolment = this.#enrolment();
    this.renewed = null;
    this.asking = null;
    this.said = said;
    this.changed();
    this.draw();
    focusOn('#mfa-title');
    announce(store.t(said));
  }

  /** @param {'renew'|'disable'|null} what */
  #ask(what) {
    const before = this.asking;
    this.asking = what;
    this.said = '';
    this.form.error = null;
    this.draw();
    focusOn(what ? '#mfa-password' : `#mfa-${before}`);
  }

  /** @param {SubmitEvent} event */
  submit = async (event) => {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const [password, code] = [String(data.get('mfa-password')), String(data.get('mfa-code')).trim()];
    if (this.asking === 'disable') {
      if (await this.form.send(() => identity.disableTotp(password, code), event.target)) this.#finish('mfa.is_off');
      return;
    }
    /** @type {string[]} */
    let codes = [];
    const done = await this.form.send(async () => {
      codes = (await identity.renewCodes(password, code)).recovery_codes;
    }, event.target);
    if (!done) return;
    this.asking = null;
    this.renewed = new RecoveryCodes(codes, this.draw, () => this.#finish('mfa.renewed'));
    this.draw();
    focusOn('#codes-title');
  };

  #question() {
    const { t } = store;
    const { form, asking } = this;
    return html`
      <form class="ask" @submit=${this.submit} novalidate>
        <h3>${t(`mfa.${/** @type {string} */ (asking)}_title`)}</h3>
        <p class="section-lead">${t(`mfa.${/** @type {string} */ (asking)}_text`)}</p>
        ${formNotice(form, ['password', 'code'], 'mfa-problem')}
        <input class="visually-hidden" type="text" name="username" autocomplete="username" value=${store.session?.user.email ?? ''} readonly tabindex="-1" aria-hidden="true">
        <div class="narrow">${passwordAgain('mfa-password', t('login.password'), form.problem('password'))}${codeField('mfa-code', form.problem('code'))}</div>
        <div class="section-buttons">
          <button type="submit" class="btn ${asking === 'disable' ? 'btn-danger' : 'btn-primary'}" ?disabled=${form.closed}>${form.busy ? t('enrol.busy') : t(`mfa.${/** @type {string} */ (asking)}`)}</button>
          <button type="button" class="btn" @click=${() => this.#ask(null)}>${t('reauth.cancel')}</button>
        </div>
      </form>`;
  }

  /** @param {import('./profile.js').Account['mfa']} mfa */
  #on({ since, recovery_codes_left: left, enforced }) {
    const { t, format } = store;
    const few = left <= FEW_CODES;
    return html`
      <p class="section-lead">${since ? t('mfa.since', { at: format.instant(since) }) : ''} ${t('mfa.on_text')}</p>
      <p class="codes-left ${few ? 'codes-few' : ''}">${icon(few ? 'alert' : 'key')}<span>${t('mfa.codes_left', { n: left })} ${few ? t('mfa.codes_few') : ''}</span></p>
      ${enforced ? html`<p class="section-lead">${t('mfa.enforced')}</p>` : nothing}
      <div class="section-buttons">
        <button type="button" class="btn" id="mfa-renew" @click=${() => this.#ask('renew')}>${icon('refresh')}${t('mfa.renew')}</button>
        ${enforced ? nothing : html`<button type="button" class="btn" id="mfa-disable" @click=${() => this.#ask('disable')}>${t('mfa.disable')}</button>`}
      </div>`;
  }

  /** @param {import('./profile.js').Account} account */
  template({ mfa }) {
    const { t } = store;
    if (this.renewed) return html`<h3 id="codes-title" tabindex="-1">${t('codes.title')}</h3>${this.renewed.template()}`;
    if (this.enrolment.codes) return this.enrolment.template(true);
    const said = goodNotice(this.said ? t(this.said) : '');
    if (mfa.enabled) return html`${said}${this.asking ? this.#question() : this.#on(mfa)}`;
    return html`${said}<p class="section-lead">${t('mfa.off_text')}</p>${this.enrolment.template(true)}`;
  }

  stop() {
    this.form.stop();
    this.enrolment.stop();
    this.renewed = null;
    this.draw = () => {};
  }
}
