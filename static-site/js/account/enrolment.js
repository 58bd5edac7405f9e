// Setting up the second step: QR code or secret into an authenticator, one code back to prove it, then the recovery codes.
import { identity } from '../api-identity.js';
import { announce, focusOn } from '../dom.js';
import { Form } from '../form.js';
import { html, nothing, svg } from '../html.js';
import { icon } from '../icons.js';
import { inGroups, isOtpauth } from '../lib/secret.js';
import { store } from '../store.js';
import { codeField, formNotice } from '../widgets/fields.js';
import { RecoveryCodes } from './recovery-codes.js';

/** White paper around it, as readers want. */
const QUIET = 4;

/** @param {{size: number, path: string}} qr */
const qrCode = ({ size, path }) => html`
  <svg class="qr" viewBox="${-QUIET} ${-QUIET} ${size + 2 * QUIET} ${size + 2 * QUIET}" role="img" aria-label=${store.t('enrol.qr')} shape-rendering="crispEdges">
    ${svg`<rect x=${-QUIET} y=${-QUIET} width=${size + 2 * QUIET} height=${size + 2 * QUIET} class="qr-paper"></rect><path d=${path} class="qr-ink"></path>`}
  </svg>`;

export class Enrolment {
  /** @type {{secret: string, otpauth_url: string, qr: {size: number, path: string}}|null} */
  offer = null;
  /** @type {RecoveryCodes|null} */
  codes = null;
  copied = false;

  /** @param {() => void} draw @param {() => void} confirmed the second step is on @param {() => void} done the codes are stored */
  constructor(draw, confirmed, done) {
    this.draw = draw;
    this.form = new Form(() => this.draw());
    this.confirmed = confirmed;
    this.done = done;
  }

  start = async () => {
    const started = await this.form.send(async () => {
      this.offer = await identity.startTotp();
    });
    if (started) focusOn('#totp-code');
  };

  /** @param {SubmitEvent} event */
  confirm = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const code = String(new FormData(form).get('totp-code')).replace(/\s/g, '');
    /** @type {string[]} */
    let codes = [];
    const done = await this.form.send(async () => {
      codes = (await identity.confirmTotp(code)).recovery_codes;
    }, form);
    // Somebody else, or another tab, was in between: begin anew.
    if (this.form.error?.code === 'no_enrollment') this.offer = null;
    if (!done) return this.draw();
    this.offer = null;
    this.codes = new RecoveryCodes(codes, () => this.draw(), () => this.done());
    this.confirmed();
    this.draw();
    focusOn('#codes-title');
  };

  cancel = () => {
    this.offer = null;
    this.form.error = null;
    this.draw();
    focusOn('#mfa-start');
  };

  #copy = async () => {
    this.copied = await navigator.clipboard.writeText(this.offer?.secret ?? '').then(() => true, () => false);
    announce(store.t(this.copied ? 'codes.copied' : 'codes.not_copied'));
    this.draw();
  };

  /** @param {boolean} optional it can be left for later */
  #steps(optional) {
    const { t } = store;
    const { form } = this;
    // On the account page the steps stand under the section's title, on a page of their own under that of the page.
    const heading = (/** @type {string} */ text) => (optional ? html`<h3>${text}</h3>` : html`<h2>${text}</h2>`);
    const offer = /** @type {NonNullable<Enrolment['offer']>} */ (this.offer);
    return html`
      <form class="enrol" @submit=${this.confirm} novalidate>
        <ol class="enrol-steps">
          <li>${heading(t('enrol.step_app'))}<p>${t('enrol.step_app_text')}</p></li>
          <li>${heading(t('enrol.step_scan'))}
            <div class="scan">${qrCode(offer.qr)}
              <div><p>${t('enrol.by_hand')}</p>
                <p class="secret"><code>${inGroups(offer.secret)}</code></p>
                <p class="section-buttons">
                  <button type="button" class="btn btn-sm" @click=${this.#copy}>${icon(this.copied ? 'check' : 'copy')}${t(this.copied ? 'codes.copied' : 'enrol.copy')}</button>
                  ${isOtpauth(offer.otpauth_url) ? html`<a class="btn btn-sm" href=${offer.otpauth_url}>${icon('phone')}${t('enrol.open')}</a>` : nothing}</p>
                <p class="field-hint">${t('enrol.secret_kept')}</p></div></div></li>
          <li>${heading(t('enrol.step_code'))}
            ${formNotice(form, ['code'], 'enrol-problem')}
            <div class="narrow">${codeField('totp-code', form.problem('code'))}</div>
            <div class="section-buttons">
              <button type="submit" class="btn btn-primary" ?disabled=${form.closed}>${form.busy ? t('enrol.busy') : t('enrol.confirm')}</button>
              ${optional ? html`<button type="button" class="btn" @click=${this.cancel}>${t('reauth.cancel')}</button>` : nothing}
            </div></li>
        </ol>
      </form>`;
  }

  /** @param {boolean} optional */
  template(optional) {
    const { t } = store;
    const { form } = this;
    if (this.codes) {
      const title = t('codes.title');
      return html`${optional ? html`<h3 id="codes-title" tabindex="-1">${title}</h3>` : html`<h2 id="codes-title" tabindex="-1">${title}</h2>`}${this.codes.template()}`;
    }
    if (this.offer) return this.#steps(optional);
    return html`${formNotice(form, [], 'start-problem')}
      <div class="section-buttons"><button type="button" class="btn btn-primary" id="mfa-start" ?disabled=${form.closed} @click=${this.start}>${icon('shield')}${t('enrol.start')}</button></div>`;
  }

  stop() {
    this.offer = null;
    this.codes = null;
    this.form.stop();
    this.draw = () => {};
  }
}
