// Who did what, and when: the company's own audit, and the platform's for operators. Filters and the open entry stand in the address.
import { audit, operator, team } from '../api-admin.js';
import { head, tabs } from '../company.js';
import { announce, debounce } from '../dom.js';
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { dayFilter, groups } from '../lib/audit.js';
import { dayInZone, isDay } from '../lib/dates.js';
import { Page } from '../page.js';
import { change } from '../router.js';
import { store } from '../store.js';
import { actionWords, auditEntry } from '../widgets/audit-entry.js';
import { empty } from '../widgets/faces.js';
import { listing } from '../widgets/listing.js';
import { select } from '../widgets/select.js';
import { count, words } from '../words.js';

const FILTERS = ['from', 'to', 'actor', 'action'];
const TYPING_MS = 500;

class AuditPage extends Page {
  entries = this.paged();
  actions = this.resource();
  people = this.resource();
  /** Addresses of people met in entries, so that a filter can be named. @type {Record<string, string>} */
  met = {};

  /** @param {HTMLElement} root @param {import('../lib/url.js').Location} location @param {boolean} platform */
  constructor(root, location, platform) {
    super(root, location, store.t('company.audit'));
    this.platform = platform;
    this.actions.load((signal) => (platform ? operator.actions(signal) : audit.actions(signal)));
    if (!platform) this.people.load((signal) => team.list({ limit: 100 }, signal));
    this.load();
  }

  /** The filters as the API wants them. */
  query() {
    const { actor, action } = this.params;
    const { from, to } = dayFilter(this.params, isDay);
    return { from, to, actor, action };
  }

  async load() {
    if (dayFilter(this.params, isDay).reversed) return;
    const query = this.query();
    const list = this.platform ? operator.audit : audit.list;
    const answer = await this.entries.open((cursor, signal) => list({ ...query, cursor }, signal));
    if (!answer) return;
    for (const { actor } of answer.items) if (actor.id && actor.email) this.met[actor.id] = actor.email;
    if (this.filtered()) announce(store.t('audit.shown', { n: answer.items.length }));
    this.draw();
  }

  filtered = () => FILTERS.some((name) => this.params[name]);

  /** @param {Record<string, string>} before */
  follow(before) {
    if (FILTERS.some((name) => before[name] !== this.params[name])) this.load();
  }

  /** Typing a year passes through the years 2, 20 and 202: they are not asked for. */
  setDay = debounce((/** @type {'from'|'to'} */ name, /** @type {string} */ day) => {
    if (!day || (isDay(day) && day > '2000')) change({ [name]: day || null, open: null });
  }, TYPING_MS);

  download = () => this.run('file', async () => {
    const url = URL.createObjectURL(await audit.file(this.query()));
    const link = Object.assign(document.createElement('a'), { href: url, download: `${store.t('audit.file_name')}-${dayInZone(store.now(), store.session?.tenant?.zone)}.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    this.say('good', store.t('audit.file_done'));
  });

  verify = () => this.run('verify', async () => {
    const { checked, intact, first_broken: broken } = await audit.verify();
    if (intact) this.say('good', store.t('audit.intact', { n: checked, number: count(checked) }));
    else this.say('bad', store.t('audit.broken'), html`<p><code>${broken}</code></p>`);
  });

  /** The choice of an action: a whole group, or one of it. */
  actionOptions() {
    const { t } = store;
    const known = groups(this.actions.data?.items ?? []);
    const name = (/** @type {string} */ group) => words(`audit.group.${group}`, group);
    const all = known.flatMap(([, actions]) => actions);
    /** @type {Array<any>} */
    const options = [['', t('filter.any')], ...known.map(([group, actions]) => (
      { group: name(group), options: [[group, t('audit.whole_group', { group: name(group) })], ...actions.map((action) => [action, actionWords(action)])] }))];
    const { action } = this.params;
    // An address may name an action that the list does not have: it stays visible as the filter it is.
    if (action && !all.includes(action) && !known.some(([group]) => group === action)) options.push([action, actionWords(action)]);
    return options;
  }

  personOptions() {
    const { actor } = this.params;
    /** @type {Array<[string, string]>} */
    const people = (this.people.data?.items ?? []).map((/** @type {any} */ one) => [one.user_id, one.name]);
    for (const [id, email] of Object.entries(this.met)) if (!people.some(([known]) => known === id)) people.push([id, email]);
    if (actor && !people.some(([id]) => id === actor)) people.push([actor, actor]);
    return /** @type {Array<[string, string]>} */ ([['', store.t('filter.any')], ...people]);
  }

  filters() {
    const { t } = store;
    const { reversed } = dayFilter(this.params, isDay);
    const day = (/** @type {'from'|'to'} */ name) => html`
      <div class="filter"><label class="form-label" for="a-${name}">${t(`filter.${name}`)}</label>
        <input class="form-control" type="date" id="a-${name}" min="2000-01-01" .value=${this.params[name] ?? ''} aria-invalid=${reversed ? 'true' : nothing} aria-describedby=${reversed ? 'a-problem' : nothing}
          @change=${(/** @type {any} */ e) => this.setDay(name, e.target.value)}></div>`;
    return html`
      <form class="card filter-bar" aria-label=${t('filter.title')} @submit=${(/** @type {Event} */ e) => e.preventDefault()}>
        ${day('from')}${day('to')}
        ${select(t('audit.who'), 'a-actor', this.params.actor ?? '', this.personOptions(), (actor) => change({ actor, open: null }))}
        ${select(t('audit.what'), 'a-action', this.params.action ?? '', this.actionOptions(), (action) => change({ action, open: null }))}
        <button type="button" class="btn" ?disabled=${!this.filtered()} @click=${() => change({ from: null, to: null, actor: null, action: null, open: null })}>${t('filter.reset')}</button>
        ${reversed ? html`<p class="field-problem" id="a-problem" role="alert">${t('filter.reversed')}</p>` : nothing}
      </form>`;
  }

  /** @param {import('../widgets/audit-entry.js').Entry[]} items */
  table(items) {
    const { t } = store;
    const column = (/** @type {string} */ name, narrow = false) => html`<th scope="col" class=${narrow ? '' : 'not-narrow'}>${t(name)}</th>`;
    return html`
      <table class="table figures rows">
        <caption class="visually-hidden">${t('audit.caption')}</caption>
        <thead><tr>${column('audit.what', true)}${this.platform ? column('audit.company') : nothing}${column('audit.who')}${column('audit.when')}${column('audit.outcome', true)}</tr></thead>
        <tbody>${items.map((entry) => auditEntry(entry, {
          open: this.params.open === entry.id, company: this.platform,
          toggle: () => change({ open: this.params.open === entry.id ? null : entry.id }, true),
          person: (actor, email) => { this.met[actor] = email; change({ actor, open: null }); },
        }))}</tbody>
      </table>`;
  }

  tools() {
    if (this.platform) return nothing;
    const { t } = store;
    return html`<div class="page-acts">
      <button type="button" class="btn" data-action="verify" ?disabled=${this.busy !== ''} @click=${this.verify}>${icon('shield')}${this.busy === 'verify' ? t('audit.checking') : t('audit.verify')}</button>
      <button type="button" class="btn" data-action="file" ?disabled=${this.busy !== ''} @click=${this.download}>${icon('download')}${this.busy === 'file' ? t('dialog.busy') : t('audit.file')}</button></div>`;
  }

  template() {
    const { t } = store;
    const none = this.filtered()
      ? empty(t('audit.none_filtered'), t('audit.none_filtered_text'), nothing, 'search') : empty(t('audit.none'), t('audit.none_text'));
    return html`
      ${this.platform ? nothing : tabs('audit')}
      ${head(this.title, t(this.platform ? 'audit.lead_platform' : 'audit.lead'), this.tools())}
      ${this.noticeLine()}
      ${this.filters()}
      <section class="card widget" aria-label=${t('audit.caption')}>${listing(this.entries, { none, rows: (items) => this.table(items) })}</section>`;
  }
}

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
export const auditView = (root, location) => new AuditPage(root, location, false).view();

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
export const operatorAuditView = (root, location) => new AuditPage(root, location, true).view();
