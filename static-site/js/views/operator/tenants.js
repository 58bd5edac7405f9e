// All companies: search, state, how near each is to a limit, and a new one in a minute.
import { operator } from '../../api-admin.js';
import { head } from '../../company.js';
import { announce } from '../../dom.js';
import { html, nothing } from '../../html.js';
import { icon } from '../../icons.js';
import { nearest } from '../../lib/limits.js';
import { Page } from '../../page.js';
import { change } from '../../router.js';
import { store } from '../../store.js';
import { empty } from '../../widgets/faces.js';
import { listing } from '../../widgets/listing.js';
import { searchField } from '../../widgets/search.js';
import { select } from '../../widgets/select.js';
import { tenantState } from '../../widgets/tenant-state.js';
import { count, moment, planName } from '../../words.js';
import { newTenant } from './tenant-new.js';

/** @typedef {{id: string, name: string, plan: string, status: string, delete_after: string|null, created_at: string, limits: import('../../lib/limits.js').Limits, overrides: Record<string, number>, use: import('../../lib/limits.js').Use, zone: string, currency: string, locale: string}} Tenant */

const STATES = ['active', 'suspended', 'deleting'];
/** Companies to choose from as a template: more would be no list to read. */
const MODELS = 100;

class TenantsPage extends Page {
  tenants = this.paged();
  plans = this.resource();
  /** Companies that a new one can be made like, and the one asked for. */
  models = this.resource();
  model = this.resource();

  /** @param {HTMLElement} root @param {import('../../lib/url.js').Location} location */
  constructor(root, location) {
    super(root, location, store.t('nav.to.operator.tenants'));
    this.load();
    if (location.params.new) this.create();
  }

  async load() {
    const { q, status } = this.params;
    const answer = await this.tenants.open((cursor, signal) => operator.tenants({ q, status, cursor }, signal));
    if (answer && q) announce(store.t('tenants.count', { n: answer.items.length }));
  }

  /** @param {Record<string, string>} before */
  follow(before) {
    if (['q', 'status'].some((name) => before[name] !== this.params[name])) this.load();
    if (this.params.new && !before.new) this.create();
    if (!this.params.new && before.new) this.closeDialog();
  }

  /** Asks first what there is to choose from: without it the dialog still makes a company with the usual values. */
  async create() {
    const { like } = this.params;
    const unless = (/** @type {unknown} */ known, /** @type {() => Promise<unknown>} */ load) => known || load();
    await Promise.all([
      unless(this.plans.data, () => this.plans.load((signal) => operator.plans(signal))),
      unless(this.models.data, () => this.models.load((signal) => operator.tenants({ status: 'active', limit: MODELS }, signal))),
      like && this.model.load((signal) => operator.tenant(like, signal)),
    ]);
    if (!this.params.new) return;
    const models = [...(this.models.data?.items ?? [])];
    // One that was asked for by its page may stand beyond the first hundred.
    if (like && this.model.data && !models.some((one) => one.id === like)) models.push(this.model.data);
    newTenant(this, { plans: this.plans.data?.plans ?? [], models: models.sort((a, b) => a.name.localeCompare(b.name, store.lang)), like });
  }

  /** @param {Tenant} tenant */
  row(tenant) {
    const { t, format } = store;
    const near = nearest(tenant.limits, tenant.use);
    const nearText = `${t(`limit.${near.key}`)} ${format.number({ style: 'percent' }).format(near.share)}`;
    return html`
      <tr><th scope="row"><a href="#/operator/tenants/${encodeURIComponent(tenant.id)}"><strong>${tenant.name}</strong></a>
          <p class="muted">${t('settings.plan', { plan: planName(tenant.plan) })}</p>
          ${near.tone === 'good' ? nothing : html`<p class="only-narrow tone-${near.tone}">${nearText}</p>`}</th>
        <td>${tenantState(tenant.status)}${tenant.delete_after ? html`<p class="muted">${moment(tenant.delete_after)}</p>` : nothing}</td>
        <td class="num not-narrow">${count(tenant.use.users)}</td><td class="num not-narrow">${count(tenant.use.sources)}</td><td class="num not-narrow">${count(tenant.use.datapoints)}</td>
        <td class="not-narrow"><span class="tone-${near.tone}">${nearText}</span></td>
        <td class="not-narrow nowrap">${moment(tenant.created_at)}</td></tr>`;
  }

  /** @param {Tenant[]} items */
  table(items) {
    const { t } = store;
    const column = (/** @type {string} */ name, side = '') => html`<th scope="col" class=${side}>${t(`ops.col.${name}`)}</th>`;
    return html`
      <table class="table figures rows"><caption class="visually-hidden">${this.title}</caption>
        <thead><tr>${column('company')}${column('state')}${column('users', 'num not-narrow')}${column('sources', 'num not-narrow')}${column('datapoints', 'num not-narrow')}${column('nearest', 'not-narrow')}${column('created', 'not-narrow')}</tr></thead>
        <tbody>${items.map((one) => this.row(one))}</tbody></table>`;
  }

  template() {
    const { t } = store;
    const { q = '', status = '' } = this.params;
    const none = q || status ? empty(t('tenants.none'), t('tenants.none_text'), nothing, 'search') : empty(t('tenants.first'), t('tenants.first_text'), nothing, 'building');
    return html`
      ${head(this.title, t('tenants.lead'), html`<button type="button" class="btn btn-primary" data-action="new" @click=${() => change({ new: '1' })}>${icon('plus')}${t('tenants.new')}</button>`)}
      ${this.noticeLine()}
      <form class="card filter-bar" role="search" @submit=${(/** @type {Event} */ e) => e.preventDefault()}>
        ${searchField('tenants-q', t('tenants.search'), q)}
        ${select(t('ops.col.state'), 'tenants-status', status, [['', t('filter.any')], ...STATES.map((one) => /** @type {[string, string]} */ ([one, t(`tenant.state.${one}`)]))], (wish) => change({ status: wish }))}
      </form>
      <section class="card widget" aria-label=${this.title}>${listing(this.tenants, { none, rows: (items) => this.table(items) })}</section>`;
  }
}

/** @param {HTMLElement} root @param {import('../../lib/url.js').Location} location */
export const tenantsView = (root, location) => new TenantsPage(root, location).view();
