// One company as an operator sees it: use and limits, people, invitations, sources; suspending and deleting.
import { operator } from '../../api-admin.js';
import { head } from '../../company.js';
import { focusOn } from '../../dom.js';
import { html, nothing } from '../../html.js';
import { icon } from '../../icons.js';
import { named, zoneName } from '../../lib/places.js';
import { Page } from '../../page.js';
import { change, retitle } from '../../router.js';
import { store } from '../../store.js';
import { empty, failed, skeleton } from '../../widgets/faces.js';
import { sourceRows } from '../../widgets/operator-source.js';
import { avatar, expiry } from '../../widgets/person.js';
import { noticeLine } from '../../widgets/notice.js';
import { tenantState } from '../../widgets/tenant-state.js';
import { moment } from '../../words.js';
import { askDelete, askName, askStatus } from './tenant-acts.js';
import { LimitsCard } from './tenant-limits.js';

export class TenantPage extends Page {
  tenant = this.resource();
  plans = this.resource();
  limits = new LimitsCard(this);

  /** @param {HTMLElement} root @param {import('../../lib/url.js').Location} location */
  constructor(root, location) {
    super(root, location, store.t('nav.to.operator.tenants'));
    this.id = decodeURIComponent(location.path.split('/').at(-1) ?? '');
    this.load();
    this.plans.load((signal) => operator.plans(signal));
  }

  /** The company; only read where it has been loaded. @returns {any} */
  get data() {
    return this.tenant.data;
  }

  /** The plans there are; the company's own even before they are loaded. @returns {Array<{key: string, limits?: import('../../lib/limits.js').Limits}>} */
  get planList() {
    return this.plans.data?.plans ?? [{ key: this.data.plan }];
  }

  load = async () => {
    if (!(await this.tenant.load((signal) => operator.tenant(this.id, signal)))) return;
    this.limits.adopt();
    this.title = this.data.name;
    retitle();
    if (this.params.created && !this.notice) {
      const email = this.data.invitations?.[0]?.email;
      this.notice = { tone: 'good', text: store.t('tenant.created', { name: this.data.name }), more: email ? html`<p>${store.t('tenant.created_mail', { email })}</p>` : undefined };
      // Said once: opened again the address is that of the company.
      change({ created: null }, true);
    }
    this.draw();
    // The head of the page while it loaded is gone, and the focus with it.
    if (document.activeElement === document.body) focusOn('h1', this.root);
  };

  acts() {
    const { t } = store;
    const { status } = this.data;
    const off = this.busy !== '';
    return html`<div class="page-acts">
      ${status === 'deleting' ? nothing : html`<button type="button" class="btn" data-action="rename" ?disabled=${off} @click=${() => askName(this)}>${icon('edit')}${t('tenant.rename')}</button>
        <a class="btn" data-action="copy" href="#/operator/tenants?new=1&amp;like=${encodeURIComponent(this.id)}">${icon('copy')}${t('tenant.copy')}</a>`}
      ${status === 'active'
        ? html`<button type="button" class="btn" data-action="suspend" ?disabled=${off} @click=${() => askStatus(this, 'suspended')}>${icon('pause')}${t('tenant.suspend')}</button>`
        : html`<button type="button" class="btn btn-primary" data-action="resume" ?disabled=${off} @click=${() => askStatus(this, 'active')}>${icon('play')}${t(status === 'deleting' ? 'tenant.restore' : 'tenant.resume')}</button>`}
      ${status === 'deleting' ? nothing : html`<button type="button" class="btn btn-quiet-danger" data-action="delete" ?disabled=${off} @click=${() => askDelete(this)}>${icon('trash')}${t('tenant.delete')}</button>`}</div>`;
  }

  state() {
    const { t } = store;
    const { status, delete_after: gone } = this.data;
    if (status === 'suspended') return noticeLine({ tone: 'warn', text: t('tenant.is_suspended') });
    if (status !== 'deleting') return nothing;
    return noticeLine({ tone: 'bad', text: t('tenant.is_deleting'), more: gone ? html`<p>${t('tenant.delete.on')} <strong>${moment(gone)}</strong>. ${t('tenant.delete.until')}</p>` : undefined });
  }

  facts() {
    const { t } = store;
    const { data } = this;
    const fact = (/** @type {string} */ name, /** @type {unknown} */ value) => html`<div class="fact"><dt>${name}</dt><dd>${value}</dd></div>`;
    return html`
      <section class="card widget" aria-labelledby="facts-title"><h2 id="facts-title">${t('tenant.facts')}</h2>
        <dl class="facts">${fact(t('ops.col.created'), moment(data.created_at))}${fact(t('settings.zone'), zoneName(data.zone, store.now(), store.lang))}
          ${fact(t('settings.currency'), `${named('currency', data.currency, store.lang)} (${data.currency})`)}${fact(t('settings.locale'), named('language', data.locale, store.lang))}${fact(t('tenant.id'), html`<code>${data.id}</code>`)}</dl></section>`;
  }

  people() {
    const { t } = store;
    const { members = [], invitations = [] } = this.data;
    return html`
      <section class="card widget" aria-labelledby="people-title"><h2 id="people-title">${t('team.members')}</h2>
        ${members.length || invitations.length ? nothing : empty(t('tenant.nobody'), t('tenant.nobody_text'), nothing, 'user')}
        <ul class="people people-short">
          ${members.map((/** @type {any} */ one) => html`<li class="person">${avatar(one.name, one.email)}
            <div class="person-who"><p class="person-name"><a href="#/operator/users?q=${encodeURIComponent(one.email)}"><strong>${one.name}</strong></a>${one.is_active ? nothing : html`<span class="state state-warn">${t('users.inactive')}</span>`}</p><p class="muted">${one.email}</p></div>
            <span class="label-chip">${t(`role.${one.role}`)}</span></li>`)}
          ${invitations.map((/** @type {any} */ one) => html`<li class="person"><span class="avatar avatar-open" aria-hidden="true">${icon('mail')}</span>
            <div class="person-who"><p class="person-name"><strong>${one.email}</strong></p><p>${expiry(one)}</p></div><span class="label-chip">${t('tenant.invited')}</span></li>`)}
        </ul></section>`;
  }

  sources() {
    const { t } = store;
    const { sources = [] } = this.data;
    return html`
      <section class="card widget" aria-labelledby="sources-title"><h2 id="sources-title">${t('nav.to.sources')}</h2>
        ${sources.length ? sourceRows(sources, false, t('ops.sources_of', { name: this.data.name })) : html`<p class="muted">${t('source.none')}</p>`}</section>`;
  }

  content() {
    const { error } = this.tenant;
    if (error) return html`${head(this.title, nothing)}<section class="card widget">${error.status === 404 ? empty(store.t('tenant.missing'), store.t('tenant.missing_text'), nothing, 'building') : failed(error, this.load)}</section>`;
    if (!this.data) return html`${head(this.title, store.t('face.loading'))}${skeleton('list')}`;
    return html`
      ${head(this.data.name, tenantState(this.data.status), this.acts())}
      ${this.noticeLine()}${this.state()}
      <div class="tenant-cols">${this.limits.template()}<div class="tenant-side">${this.people()}${this.facts()}</div></div>
      ${this.sources()}`;
  }

  template() {
    return html`<nav class="crumbs" aria-label=${store.t('nav.crumbs')}><a href="#/operator/tenants">${store.t('nav.to.operator.tenants')}</a></nav>${this.content()}`;
  }
}

/** @param {HTMLElement} root @param {import('../../lib/url.js').Location} location */
export const tenantView = (root, location) => new TenantPage(root, location).view();
