// Choosing a new password: the rule beforehand, show and hide, paste as one likes, and its strength in words while typing.
import { announce, debounce, focusOn } from '../dom.js';
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { strength } from '../lib/password-strength.js';
import { store } from '../store.js';
import { describedBy, fieldProblem } from './fields.js';

/** The least characters without and with a second step (docs/api.md). */
export const MINIMUM = 15;
export const MINIMUM_WITH_MFA = 12;

const BARS = { empty: 0, short: 1, long: 1, weak: 1, fair: 2, strong: 3 };
const TONES = { empty: '', short: 'bad', long: 'bad', weak: 'bad', fair: 'warn', strong: 'good' };

export class PasswordField {
  value = '';
  shown = false;
  // Said once the person pauses; reading every letter's verdict would drown the typing.
  #say = debounce(() => this.value && announce(this.words()), 900);

  /** @param {string} id also its name, and the server's @param {import('../form.js').Form} form @param {() => {min: number, context: string[], eitherMinimum?: boolean}} rule */
  constructor(id, form, rule) {
    this.id = id;
    this.form = form;
    this.rule = rule;
  }

  /** The verdict as a sentence. */
  words() {
    const { t } = store;
    const { level, missing, flaw } = strength(this.value, this.rule());
    if (level === 'empty') return '';
    const verdict = level === 'short' ? t('password.level.short', { n: missing }) : t(`password.level.${level}`);
    return flaw ? `${verdict} ${t(`password.flaw.${flaw}`)}` : verdict;
  }

  clear() {
    this.value = '';
    this.shown = false;
    const input = /** @type {HTMLInputElement|null} */ (document.getElementById(this.id));
    if (input) input.value = '';
  }

  #typed = (/** @type {InputEvent} */ event) => {
    this.value = /** @type {HTMLInputElement} */ (event.target).value;
    this.form.forgive(this.id);
    this.form.draw();
    this.#say();
  };

  #toggle = () => {
    this.shown = !this.shown;
    this.form.draw();
    focusOn(`#${this.id}-show`);
  };

  /** @param {string} label */
  template(label) {
    const { t } = store;
    const { id } = this;
    const problem = this.form.problem(id);
    const { min, eitherMinimum } = this.rule();
    const { level } = strength(this.value, this.rule());
    const tone = TONES[level];
    return html`
      <div class="field">
        <label class="form-label" for=${id}>${label}</label>
        <p class="field-hint" id="${id}-rule">${t('password.rule', { n: min })}${eitherMinimum ? ` ${t('password.rule_mfa', { n: MINIMUM_WITH_MFA })}` : ''}</p>
        <div class="reveal">
          <input class="form-control" id=${id} name=${id} type=${this.shown ? 'text' : 'password'} autocomplete="new-password" required
            autocapitalize="none" spellcheck="false" @input=${this.#typed} aria-invalid=${problem ? 'true' : nothing}
            aria-describedby=${describedBy(`${id}-rule`, problem ? `${id}-problem` : this.value && `${id}-strength`)}>
          <button type="button" class="reveal-button" id="${id}-show" aria-pressed=${String(this.shown)} aria-controls=${id} aria-label=${t('password.show')}
            title=${this.shown ? t('password.hide') : t('password.show')} @click=${this.#toggle}>${icon(this.shown ? 'eyeOff' : 'eye')}</button>
        </div>
        ${fieldProblem(id, problem)}
        <div class="pw-strength ${tone ? `pw-strength-${tone}` : ''}" ?hidden=${!this.value || Boolean(problem)}>
          <span class="pw-strength-bars" aria-hidden="true">${[1, 2, 3].map((bar) => html`<i class=${bar <= BARS[level] ? 'on' : ''}></i>`)}</span>
          <p id="${id}-strength">${this.words()}</p>
        </div>
      </div>`;
  }
}
