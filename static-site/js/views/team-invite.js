// Inviting several people at once: one row each, pasted lists are spread over rows, and the result says what became of each.
import { team } from '../api-admin.js';
import { announce, focusOn } from '../dom.js';
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { addresses, blank, MOST, outgoing, place, spread } from '../lib/invite.js';
import { change } from '../router.js';
import { store } from '../store.js';
import { formError } from '../widgets/faces.js';
import { noticeLine } from '../widgets/notice.js';

const TONES = /** @type {Record<string, 'good'|'calm'>} */ ({ invited: 'good' });

export class InvitePanel {
  rows = [blank(), blank()];
  busy = false;
  /** @type {import('../api.js').ApiError|null} */
  error = null;
  missing = false;
  /** @type {Array<{email: string, role: string, result: string}>|null} */
  results = null;

  /** @param {() => void} draw @param {() => void} sent */
  constructor(draw, sent) {
    this.draw = draw;
    this.sent = sent;
  }

  /** @param {ParentNode} root */
  focus = (root) => focusOn('#invite-0', root);

  close = () => change({ invite: null });

  again = () => {
    this.rows = [blank(), blank()];
    this.results = null;
    this.draw();
    this.focus(document);
  };

  add = () => {
    this.rows = [...this.rows, { ...blank(), role: this.rows.at(-1)?.role ?? 'viewer' }];
    this.draw();
    focusOn(`#invite-${this.rows.length - 1}`);
  };

  /** @param {number} at */
  drop(at) {
    this.rows = this.rows.filter((_, i) => i !== at);
    this.draw();
    focusOn(`#invite-${Math.min(at, this.rows.length - 1)}`);
  }

  /** @param {ClipboardEvent} event @param {number} at */
  paste(event, at) {
    const emails = addresses(event.clipboardData?.getData('text') ?? '');
    if (emails.length < 2) return;
    event.preventDefault();
    this.rows = spread(this.rows, at, emails);
    this.draw();
    announce(store.t('invite.spread', { n: emails.length }));
  }

  /** @param {SubmitEvent} event */
  submit = async (event) => {
    event.preventDefault();
    if (this.busy) return;
    const { body, from } = outgoing(this.rows);
    this.missing = !body.length;
    if (this.missing) {
      this.draw();
      this.focus(document);
      return;
    }
    this.busy = true;
    this.error = null;
    this.draw();
    try {
      this.results = (await team.invite(body)).items;
      this.sent();
      this.draw();
      focusOn('#invite-title');
    } catch (problem) {
      const error = /** @type {import('../api.js').ApiError} */ (problem);
      const placed = place(this.rows, from, error.errors);
      this.rows = placed.rows;
      this.error = placed.all ? null : error;
    }
    this.busy = false;
    this.draw();
    if (!this.results) focusOn('.invite [aria-invalid="true"]');
  };

  /** @param {import('../lib/invite.js').Row} row @param {number} i */
  row(row, i) {
    const { t } = store;
    const problem = row.problem || (this.missing && i === 0 ? t('invite.missing') : '');
    return html`
      <li class="invite-row">
        <div><label class="form-label" for="invite-${i}">${t('invite.email', { n: i + 1 })}</label>
          <input class="form-control" id="invite-${i}" type="email" inputmode="email" autocomplete="off" autocapitalize="none" spellcheck="false" .value=${row.email}
            aria-invalid=${problem ? 'true' : nothing} aria-describedby=${problem ? `invite-${i}-problem` : 'invite-hint'}
            @input=${(/** @type {any} */ e) => { row.email = e.target.value; }} @paste=${(/** @type {ClipboardEvent} */ e) => this.paste(e, i)}>
          ${problem ? html`<p class="field-problem" id="invite-${i}-problem">${problem}</p>` : nothing}</div>
        <div><label class="form-label" for="invite-role-${i}">${t('invite.role', { n: i + 1 })}</label>
          <select class="form-select" id="invite-role-${i}" @change=${(/** @type {any} */ e) => { row.role = e.target.value; }}>
            ${['viewer', 'admin'].map((role) => html`<option value=${role} .selected=${row.role === role}>${t(`role.${role}`)}</option>`)}
          </select></div>
        ${this.rows.length > 1 ? html`<button type="button" class="btn btn-icon" aria-label=${t('invite.drop', { n: i + 1 })} @click=${() => this.drop(i)}>${icon('close')}</button>` : nothing}
      </li>`;
  }

  result() {
    const { t } = store;
    const lines = this.results ?? [];
    return html`
      <h2 id="invite-title" tabindex="-1">${t('invite.result', { n: lines.filter((one) => one.result === 'invited').length })}</h2>
      <ul class="invite-results">${lines.map((one) => html`
        <li>${icon(one.result === 'invited' ? 'check' : 'info')}<span class="tone-${TONES[one.result] ?? 'calm'}"><strong>${one.email}</strong> ${t(`invite.became.${one.result}`)}</span></li>`)}</ul>
      <div class="dialog-buttons"><button type="button" class="btn" @click=${this.again}>${t('invite.again')}</button>
        <button type="button" class="btn btn-primary" @click=${this.close}>${t('invite.finish')}</button></div>`;
  }

  form() {
    const { t } = store;
    const full = this.error?.code === 'limit_users'
      ? noticeLine({ tone: 'bad', text: this.error.message, more: html`<p><a href="#/settings">${t('invite.see_limits')}</a></p>` }) : formError(this.error);
    return html`
      <form @submit=${this.submit} novalidate>
        <h2 id="invite-title" tabindex="-1">${t('invite.title')}</h2>
        <p class="muted" id="invite-hint">${t('invite.hint', { most: MOST })}</p>
        ${full}
        <div class="invite-cols">
          <div><ul class="invite-rows">${this.rows.map((row, i) => this.row(row, i))}</ul>
            <button type="button" class="btn btn-sm" ?disabled=${this.rows.length >= MOST} @click=${this.add}>${icon('plus')}${t('invite.add')}</button></div>
          <dl class="role-help">${['viewer', 'admin'].map((role) => html`<div><dt>${t(`role.${role}`)}</dt><dd>${t(`invite.can.${role}`)}</dd></div>`)}</dl>
        </div>
        <div class="dialog-buttons"><button type="button" class="btn" @click=${this.close}>${t('dialog.cancel')}</button>
          <button type="submit" class="btn btn-primary" ?disabled=${this.busy}>${this.busy ? t('dialog.busy') : t('invite.send')}</button></div>
      </form>`;
  }

  template() {
    return html`<section class="card widget invite" aria-labelledby="invite-title">${this.results ? this.result() : this.form()}</section>`;
  }
}
