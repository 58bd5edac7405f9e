// What an operator on call needs first: how much there is, what is in trouble (one line per cause), and the jobs.
import { operator } from '../../api-admin.js';
import { head } from '../../company.js';
import { html, nothing } from '../../html.js';
import { icon } from '../../icons.js';
import { causeKey } from '../../lib/operator.js';
import { Page } from '../../page.js';
import { change } from '../../router.js';
import { store } from '../../store.js';
import { empty, failed, skeleton } from '../../widgets/faces.js';
import { listing } from '../../widgets/listing.js';
import { sourceRows, sourceState } from '../../widgets/operator-source.js';
import { ago, count, words } from '../../words.js';

/** @typedef {{code: string|null, text: string, provider: string, status: string, sources: number, tenants: number, since: string|null, examples: Array<{tenant: {id: string, name: string}, source: {id: string, name: string}, cause: string|null}>}} Cause */

class OverviewPage extends Page {
  overview = this.resource();
  affected = this.paged();
  /** The cause whose sources are in `affected`. */
  shown = '';

  /** @param {HTMLElement} root @param {import('../../lib/url.js').Location} location */
  constructor(root, location) {
    super(root, location, store.t('nav.to.operator'));
    this.load();
  }

  load = async () => {
    if (await this.overview.load((signal) => operator.overview(signal))) this.follow();
  };

  /** The wall keeps itself up to date while it is looked at. */
  tick() {
    if (!document.hidden && !this.busy && this.overview.face !== 'loading') this.load();
  }

  follow() {
    const wanted = this.params.cause ?? '';
    if (wanted === this.shown) return;
    this.shown = wanted;
    /** @type {Cause|undefined} */
    const cause = this.overview.data?.causes.find((/** @type {Cause} */ one) => causeKey(one) === wanted);
    if (cause) this.affected.open((cursor, signal) => operator.sources({ code: cause.code, status: cause.status, cursor }, signal));
  }

  figures() {
    const { t } = store;
    const { tenants, sources, jobs } = this.overview.data;
    const card = (/** @type {string} */ name, /** @type {string} */ href, /** @type {number} */ n, /** @type {unknown} */ more) => html`
      <li><article class="card figure-card" data-figure=${name}><h2><a href=${href}>${t(`ops.n.${name}`)}</a></h2><p class="figure-value">${count(n)}</p><p class="muted">${more}</p></article></li>`;
    const rest = ['suspended', 'deleting'].filter((status) => tenants[status]).map((status) => t(`ops.other.${status}`, { n: tenants[status] })).join(' · ');
    const states = Object.entries(sources.by_status).map(([status, n]) => `${count(Number(n))} ${words(`status.${status}`, status).toLowerCase()}`).join(' · ');
    const stuck = jobs.oldest_due_at && store.now() - Date.parse(jobs.oldest_due_at) > 15 * 60_000;
    return html`
      <ul class="figure-cards">
        ${card('tenants', '#/operator/tenants', tenants.active, rest || t('ops.nothing_else'))}
        ${card('sources', '#/operator', sources.total, states)}
        ${card('waiting', '#/operator/jobs?state=queued', jobs.queued + jobs.running, stuck
          ? html`<span class="tone-warn">${t('ops.oldest')} ${ago(jobs.oldest_due_at, '')}</span>` : html`${t('ops.running', { n: jobs.running })}${jobs.oldest_due_at ? html` · ${t('ops.oldest')} ${ago(jobs.oldest_due_at, '')}` : nothing}`)}
        ${card('failed', '#/operator/jobs?state=failed', jobs.failed, jobs.failed ? html`<span class="tone-bad">${t('ops.failed_text')}</span>` : t('ops.failed_none'))}
      </ul>`;
  }

  keys() {
    const { t } = store;
    const missing = this.overview.data.missing_keys;
    return missing.length ? html`<div class="notice notice-bad" role="alert">${icon('alert')}<div><p><strong>${t('ops.keys', { keys: missing.join(', ') })}</strong></p><p>${t('ops.keys_text')}</p></div></div>` : nothing;
  }

  /** @param {Cause} cause @param {boolean} open */
  sources(cause, open) {
    if (!open) return nothing;
    const { t } = store;
    const examples = html`<ul class="examples">${cause.examples.map((one) => html`<li><a href="#/operator/tenants/${encodeURIComponent(one.tenant.id)}">${one.tenant.name}</a> · ${one.source.name}${one.cause ? html`<br><code>${one.cause}</code>` : nothing}</li>`)}</ul>`;
    return html`<div class="cause-body">${listing(this.affected, { none: examples, rows: (items) => sourceRows(items, true, t('ops.affected')) })}</div>`;
  }

  /** @param {Cause} cause */
  cause(cause) {
    const { t } = store;
    const key = causeKey(cause);
    const open = this.params.cause === key;
    return html`
      <li class="cause" data-cause=${key}>
        <button type="button" class="cause-head" aria-expanded=${String(open)} @click=${() => change({ cause: open ? null : key }, true)}>
          ${icon('chevron')}${sourceState(cause.status)}
          <span class="cause-text"><strong>${cause.text}</strong><span class="muted">${words(`provider.${cause.provider}`, cause.provider)}${cause.code ? html` · <code>${cause.code}</code>` : nothing}</span></span>
          <span class="cause-reach">${t('ops.sources', { n: cause.sources })} · ${t('ops.tenants', { n: cause.tenants })}<br><span class="muted">${cause.since ? html`${t('ops.since')} ${ago(cause.since, '')}` : nothing}</span></span>
        </button>
        ${this.sources(cause, open)}
      </li>`;
  }

  trouble() {
    const { t } = store;
    const { causes } = this.overview.data;
    return html`
      <section class="card widget" aria-labelledby="trouble-title">
        <div class="widget-head"><h2 id="trouble-title">${t('ops.trouble')}</h2><span class="muted">${t('ops.causes', { n: causes.length })}</span></div>
        ${causes.length ? html`<ul class="causes">${causes.map((/** @type {Cause} */ one) => this.cause(one))}</ul>` : empty(t('ops.calm'), t('ops.calm_text'), nothing, 'check')}
      </section>`;
  }

  template() {
    const { data, error } = this.overview;
    const body = data ? html`${this.keys()}${this.figures()}${this.trouble()}`
      : error ? html`<section class="card widget">${failed(error, this.load)}</section>` : skeleton('kpi');
    const fresh = data ? html`<p class="fresh">${icon('clock')}<span>${store.t('ops.as_of')} ${ago(data.now, '')}</span></p>` : nothing;
    return html`${head(this.title, store.t('ops.lead'), fresh)}${body}`;
  }
}

/** @param {HTMLElement} root @param {import('../../lib/url.js').Location} location */
export const overviewView = (root, location) => new OverviewPage(root, location).view();
