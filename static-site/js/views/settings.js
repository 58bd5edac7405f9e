// The company's settings: how its figures are written, who must use a second factor, how long the audit is kept, and its limits.
import { api } from '../api.js';
import { tenant } from '../api-admin.js';
import { head, tabs } from '../company.js';
import { announce } from '../dom.js';
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { dayInZone } from '../lib/dates.js';
import { Format } from '../lib/format.js';
import { isZone } from '../lib/places.js';
import { Page } from '../page.js';
import { store } from '../store.js';
import { field } from '../widgets/dialog.js';
import { errorText, failed, skeleton } from '../widgets/faces.js';
import { meterList } from '../widgets/meters.js';
import { noticeLine } from '../widgets/notice.js';
import { placeFields } from '../widgets/place-fields.js';
import { planName } from '../words.js';

/** @typedef {Record<string, any>} Settings */

const PLACE = ['name', 'zone', 'currency', 'locale', 'week_start'];
const RETENTION = [90, 180, 365, 730, 1095, 1825, 3650];

class SettingsPage extends Page {
  loaded = this.resource();
  /** What the form shows; the saved state is `loaded.data`. @type {Settings} */
  draft = {};
  otherZone = false;
  /** @type {Record<string, string>} */
  problems = {};
  /** What was saved or refused, by card. @type {Record<string, import('../widgets/notice.js').Notice|undefined>} */
  said = {};

  /** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
  constructor(root, location) {
    super(root, location, store.t('company.settings'));
    this.load();
  }

  load = async () => {
    this.said = {};
    if (await this.loaded.load((signal) => tenant.read(signal))) this.adopt();
  };

  adopt() {
    this.draft = { ...this.loaded.data };
    this.otherZone = false;
    this.problems = {};
    this.draw();
  }

  /** Sends what differs. The session knows zone and currency too, so it is asked for anew. @param {'company'|'security'|'audit'} card @param {string[]} keys */
  async save(card, keys) {
    const changes = Object.fromEntries(keys.filter((key) => this.draft[key] !== this.loaded.data[key]).map((key) => [key, this.draft[key]]));
    this.problems = {};
    this.said = {};
    if (changes.zone !== undefined && !isZone(changes.zone)) this.problems.zone = store.t('settings.zone_wrong');
    if (changes.name !== undefined && !changes.name.trim()) this.problems.name = store.t('settings.name_missing');
    if (Object.keys(this.problems).length || !Object.keys(changes).length) return this.draw();
    this.busy = card;
    this.draw();
    try {
      this.loaded.data = await tenant.change(changes, this.loaded.data.etag);
      this.said[card] = { tone: 'good', text: store.t('settings.saved') };
      announce(store.t('settings.saved'));
      for (const key of keys) this.draft[key] = this.loaded.data[key];
      if (card !== 'audit') store.setSession(await api.session());
    } catch (error) {
      this.refused(card, /** @type {any} */ (error));
    }
    this.busy = '';
    return this.draw();
  }

  /** @param {string} card @param {import('../api.js').ApiError} error */
  refused(card, error) {
    const { t } = store;
    for (const { field: name, detail } of error.errors) this.problems[name] = detail;
    const more = error.code === 'enroll_first' ? html`<p><a href="#/account">${t('settings.enroll_go')}</a></p>`
      : error.status === 412 ? html`<button type="button" class="btn btn-sm" @click=${this.load}>${t('settings.reload')}</button>` : undefined;
    const text = error.code === 'enroll_first' ? t('settings.enroll_first') : error.status === 412 ? t('settings.stale') : errorText(error);
    this.said[card] = { tone: 'bad', text, more };
    if (card === 'security') this.draft.require_mfa = this.loaded.data.require_mfa;
  }

  /** @param {'company'|'security'|'audit'} card @param {string[]} keys */
  buttons(card, keys) {
    const { t } = store;
    const same = keys.every((key) => this.draft[key] === this.loaded.data[key]);
    return html`
      ${this.said[card] ? html`<div role=${this.said[card]?.tone === 'bad' ? 'alert' : nothing}>${noticeLine(this.said[card] ?? null)}</div>` : nothing}
      <div class="card-buttons"><button type="submit" class="btn btn-primary" ?disabled=${same || this.busy !== ''}>${this.busy === card ? t('dialog.busy') : t('settings.save')}</button></div>`;
  }

  /** @param {string} card @param {string[]} keys @param {unknown} content */
  card(card, keys, content) {
    return html`
      <form class="card widget settings-card" aria-labelledby="${card}-title" novalidate
        @submit=${(/** @type {Event} */ e) => { e.preventDefault(); this.save(/** @type {any} */ (card), keys); }}>
        <h2 id="${card}-title">${store.t(`settings.${card}`)}</h2>
        ${content}${this.buttons(/** @type {any} */ (card), keys)}
      </form>`;
  }

  /** @param {Settings} changes */
  set(changes) {
    Object.assign(this.draft, changes);
    this.draw();
  }

  /** A figure, a date and a time as they would look. */
  example() {
    const { draft } = this;
    const format = new Format({ lang: store.lang, locale: draft.locale, currency: draft.currency, zone: draft.zone });
    return html`<p class="example">${icon('info')}<span>${store.t('settings.example')} <strong>${format.money(12345.6, draft.currency)}</strong> ·
      <strong>${format.day(dayInZone(store.now(), draft.zone))}</strong> · <strong>${format.instant(store.now()).split(/,\s*/).at(-1)}</strong></span></p>`;
  }

  company() {
    const { t } = store;
    const problem = (/** @type {string} */ name) => this.problems[name] ?? '';
    return this.card('company', PLACE, html`
      ${field({ id: 'set-name', label: t('settings.name'), problem: problem('name') }, ({ described, invalid }) => html`
        <input class="form-control" id="set-name" maxlength="120" autocomplete="organization" .value=${this.draft.name} aria-describedby=${described} aria-invalid=${invalid}
          @input=${(/** @type {any} */ e) => this.set({ name: e.target.value })}>`)}
      <div class="field-grid">${placeFields({
        place: /** @type {any} */ (this.draft), prefix: 'set', other: this.otherZone, problem,
        changed: (changes, other) => { this.otherZone = other ?? this.otherZone; this.set(changes); },
      })}</div>
      ${this.example()}`);
  }

  security() {
    const { t } = store;
    return this.card('security', ['require_mfa'], html`
      <label class="switch"><input type="checkbox" role="switch" id="set-mfa" .checked=${this.draft.require_mfa} aria-describedby="set-mfa-hint" @change=${(/** @type {any} */ e) => this.set({ require_mfa: e.target.checked })}>
        <span>${t('settings.require_mfa')}</span></label>
      <p class="form-hint" id="set-mfa-hint">${t('settings.require_mfa_hint')}</p>`);
  }

  retention() {
    const { t } = store;
    const days = this.draft.audit_retention_days;
    const options = RETENTION.includes(days) ? RETENTION : [...RETENTION, days].sort((a, b) => a - b);
    return this.card('audit', ['audit_retention_days'], field({ id: 'set-audit', label: t('settings.retention'), hint: t('settings.retention_hint'), problem: this.problems.audit_retention_days }, ({ described }) => html`
      <select class="form-select" id="set-audit" aria-describedby=${described} @change=${(/** @type {any} */ e) => this.set({ audit_retention_days: Number(e.target.value) })}>
        ${options.map((n) => html`<option value=${n} .selected=${n === days}>${n % 365 === 0 ? t('settings.years', { n: n / 365 }) : t('settings.days', { n })}</option>`)}
      </select>`));
  }

  limits() {
    const { t } = store;
    const { limits, use, plan } = this.loaded.data;
    return html`
      <section class="card widget settings-card" aria-labelledby="limits-title">
        <div class="widget-head"><h2 id="limits-title">${t('settings.limits')}</h2><span class="label-chip">${t('settings.plan', { plan: planName(plan) })}</span></div>
        ${meterList(limits, use)}
        <p class="form-hint">${t('limit.cadence', { minutes: limits.min_cadence_minutes, n: limits.min_cadence_minutes })} ${t('limit.more')}</p>
      </section>`;
  }

  template() {
    const { data, error } = this.loaded;
    const body = error ? html`<section class="card widget">${failed(error, this.load)}</section>`
      : data && this.draft.id ? html`<div class="settings"><div class="settings-side">${this.company()}${this.security()}</div><div class="settings-side">${this.limits()}${this.retention()}</div></div>` : skeleton('list');
    return html`${tabs('settings')}${head(this.title, store.t('settings.lead'))}${body}`;
  }
}

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
export const settingsView = (root, location) => new SettingsPage(root, location).view();
