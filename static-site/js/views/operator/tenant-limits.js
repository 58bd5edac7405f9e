// The limits of a company: what its plan gives, what was set for it alone, and what it uses.
import { operator } from '../../api-admin.js';
import { announce, focusOn } from '../../dom.js';
import { html, nothing } from '../../html.js';
import { LIMITS, level, METERS, overrides } from '../../lib/limits.js';
import { store } from '../../store.js';
import { noticeLine } from '../../widgets/notice.js';
import { count, planName } from '../../words.js';
import { refusal } from './tenant-acts.js';

export class LimitsCard {
  /** @type {Record<string, string>} */
  typed = {};
  plan = '';
  reason = '';
  /** What is wrong with a limit, here or in the server's eyes. @type {Record<string, string>} */
  problems = {};
  busy = false;
  noReason = false;
  /** @type {import('../../widgets/notice.js').Notice|null} */
  said = null;

  /** @param {import('./tenant.js').TenantPage} page */
  constructor(page) {
    this.page = page;
  }

  /** Shows what the company has now. */
  adopt() {
    const { overrides: own, plan } = this.page.data;
    this.plan = plan;
    this.typed = Object.fromEntries(LIMITS.map((key) => [key, own?.[key] === undefined || own[key] === null ? '' : String(own[key])]));
    this.reason = '';
  }

  /** @param {SubmitEvent} event */
  submit = async (event) => {
    event.preventDefault();
    const { t } = store;
    const { changes, wrong } = overrides(this.page.data.overrides ?? {}, this.typed);
    this.problems = Object.fromEntries(wrong.map((key) => [key, t('limits.wrong')]));
    /** @type {Record<string, unknown>} */
    const body = {};
    if (Object.keys(changes).length) body.limits = changes;
    if (this.plan !== this.page.data.plan) body.plan = this.plan;
    const anything = Object.keys(body).length > 0;
    this.noReason = anything && !this.reason.trim();
    this.said = null;
    this.page.draw();
    if (wrong.length || this.noReason || !anything) return void focusOn('.limits [aria-invalid="true"]');
    this.busy = true;
    this.page.draw();
    try {
      await operator.changeTenant(this.page.data.id, { ...body, reason: this.reason.trim() }, this.page.data.etag);
      this.said = { tone: 'good', text: t('limits.saved') };
      announce(this.said.text);
      await this.page.load();
    } catch (error) {
      const { errors } = /** @type {import('../../api.js').ApiError} */ (error);
      this.problems = Object.fromEntries(errors.map(({ field, detail }) => [field.replace('limits.', ''), detail]));
      if (!LIMITS.some((key) => this.problems[key])) this.said = { tone: 'bad', text: refusal(/** @type {any} */ (error)) };
    }
    this.busy = false;
    this.page.draw();
    return focusOn('.limits [aria-invalid="true"]');
  };

  /** @param {import('../../lib/limits.js').LimitKey} key */
  row(key) {
    const { t, format } = store;
    const { limits, use } = this.page.data;
    const plan = this.page.planList.find((one) => one.key === this.plan)?.limits?.[key];
    const used = METERS.find(([one]) => one === key)?.[1];
    const { share, tone } = used ? level(use[used], limits[key]) : { share: 0, tone: 'good' };
    const problem = this.problems[key];
    return html`
      <tr data-limit=${key}><th scope="row" id="limit-${key}">${t(`limit.${key}`)}</th>
        <td class="num" data-label=${t('limits.plan')}>${plan === undefined ? '–' : count(plan)}</td>
        <td data-label=${t('limits.own')}><input class="form-control form-control-sm limit-input" inputmode="numeric" autocomplete="off" aria-labelledby="limit-${key} limits-own"
          .value=${this.typed[key] ?? ''} aria-invalid=${problem ? 'true' : nothing} aria-describedby=${problem ? `limit-${key}-problem` : nothing} @input=${(/** @type {any} */ e) => { this.typed[key] = e.target.value; }}>
          ${problem ? html`<p class="field-problem" id="limit-${key}-problem">${problem}</p>` : nothing}</td>
        <td class="num" data-label=${t('limits.use')}>${used ? html`${count(use[used])} <span class="tone-${tone}">(${format.number({ style: 'percent' }).format(share)})</span>
          <meter class="use-meter use-${tone}" min="0" max="1" .value=${Math.min(1, share)} aria-labelledby="limit-${key}"></meter>` : '–'}</td></tr>`;
  }

  template() {
    const { t } = store;
    return html`
      <form class="card widget limits" aria-labelledby="limits-title" novalidate @submit=${this.submit}>
        <div class="widget-head"><h2 id="limits-title">${t('settings.limits')}</h2>
          <label class="inline-select limits-plan">${t('tenants.plan')}
            <select class="form-select form-select-sm" id="limits-plan" @change=${(/** @type {any} */ e) => { this.plan = e.target.value; this.page.draw(); }}>
              ${this.page.planList.map(({ key }) => html`<option value=${key} .selected=${key === this.plan}>${planName(key)}</option>`)}</select></label></div>
        <p class="muted">${t('limits.lead')}</p>
        <div class="table-scroll" tabindex="0" role="region" aria-labelledby="limits-title"><table class="table figures stack stack-limits">
          <thead><tr><th scope="col">${t('limits.limit')}</th><th scope="col" class="num">${t('limits.plan')}</th><th scope="col" id="limits-own">${t('limits.own')}</th><th scope="col" class="num">${t('limits.use')}</th></tr></thead>
          <tbody>${LIMITS.map((key) => this.row(key))}</tbody></table></div>
        <div class="form-field"><label class="form-label" for="limits-reason">${t('tenant.reason')}</label>
          <input class="form-control" id="limits-reason" maxlength="500" autocomplete="off" .value=${this.reason} aria-invalid=${this.noReason ? 'true' : nothing} aria-describedby="limits-reason-hint"
            @input=${(/** @type {any} */ e) => { this.reason = e.target.value; }}>
          <p class=${this.noReason ? 'field-problem' : 'form-hint'} id="limits-reason-hint">${t(this.noReason ? 'limits.reason_missing' : 'tenant.reason_hint')}</p></div>
        ${this.said ? html`<div role=${this.said.tone === 'bad' ? 'alert' : nothing}>${noticeLine(this.said)}</div>` : nothing}
        <div class="card-buttons"><button type="submit" class="btn btn-primary" ?disabled=${this.busy}>${this.busy ? t('dialog.busy') : t('limits.save')}</button></div>
      </form>`;
  }
}
