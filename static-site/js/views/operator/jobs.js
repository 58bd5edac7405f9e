// The queue: what waits, runs and failed. A failed job says why and can be queued again, alone or with others.
import { operator } from '../../api-admin.js';
import { head } from '../../company.js';
import { html, nothing } from '../../html.js';
import { icon } from '../../icons.js';
import { each } from '../../lib/operator.js';
import { Page } from '../../page.js';
import { change } from '../../router.js';
import { store } from '../../store.js';
import { empty, errorText } from '../../widgets/faces.js';
import { listing } from '../../widgets/listing.js';
import { select } from '../../widgets/select.js';
import { ago, count, moment, words } from '../../words.js';

/** @typedef {{id: string, tenant: {id: string, name: string}|null, kind: string, queue: string, state: string, attempts: number, last_error: string|null, run_at: string|null, created_at: string, finished_at: string|null}} Job */

const STATES = ['failed', 'queued', 'running', 'succeeded', 'cancelled'];
const QUEUES = ['syncs', 'mail'];
/** @type {Record<string, [Parameters<typeof icon>[0], string]>} */
const LOOKS = { failed: ['alert', 'bad'], queued: ['clock', 'calm'], running: ['refresh', 'busy'], succeeded: ['check', 'good'], cancelled: ['close', 'calm'] };

class JobsPage extends Page {
  jobs = this.paged();
  /** Ids ticked. @type {Set<string>} */
  chosen = new Set();

  /** @param {HTMLElement} root @param {import('../../lib/url.js').Location} location */
  constructor(root, location) {
    super(root, location, store.t('nav.to.operator.jobs'));
    this.load();
  }

  /** Failed jobs are what one comes here for. */
  get state() {
    return STATES.includes(this.params.state) ? this.params.state : 'failed';
  }

  load() {
    this.chosen.clear();
    const { queue } = this.params;
    const { state } = this;
    return this.jobs.open((cursor, signal) => operator.jobs({ state, queue, cursor }, signal));
  }

  /** @param {Record<string, string>} before */
  follow(before) {
    if (['state', 'queue'].some((name) => before[name] !== this.params[name])) this.load();
  }

  /** Queues jobs again, one request each: one that cannot does not stop the others. @param {string[]} ids */
  replay = (ids) => this.run('replay', async () => {
    const { t } = store;
    const { done, refused } = await each(ids, operator.replay);
    await this.load();
    if (!refused.length) this.say('good', t('jobs.replayed', { n: done.length }));
    else {
      const why = [...new Set(refused.map(({ error }) => errorText(error)))];
      this.say(done.length ? 'warn' : 'bad', t('jobs.partly', { n: done.length, all: ids.length }), html`<ul>${why.map((text) => html`<li>${text}</li>`)}</ul>`);
    }
  });

  /** @param {string} id @param {boolean} on */
  choose(id, on) {
    if (on) this.chosen.add(id);
    else this.chosen.delete(id);
    this.draw();
  }

  /** What is past as its age, what is to come as the clock will show it. @param {Job} job */
  when(job) {
    const at = job.finished_at ?? job.run_at ?? job.created_at;
    return Date.parse(at) > store.now() ? moment(at) : ago(at, '–');
  }

  /** @param {Job} job */
  row(job) {
    const { t } = store;
    const failed = job.state === 'failed';
    const [image, tone] = LOOKS[job.state] ?? LOOKS.queued;
    const name = `${words(`jobs.kind.${job.kind}`, job.kind)}, ${job.tenant?.name ?? t('audit.platform')}`;
    return html`
      <tr data-job=${job.id}>
        ${this.state === 'failed' ? html`<td class="pick"><input class="form-check-input" type="checkbox" aria-label=${t('jobs.choose', { name })} .checked=${this.chosen.has(job.id)} @change=${(/** @type {any} */ e) => this.choose(job.id, e.target.checked)}></td>` : nothing}
        <th scope="row"><strong>${words(`jobs.kind.${job.kind}`, job.kind)}</strong>
          <p class="muted">${job.tenant ? html`<a href="#/operator/tenants/${encodeURIComponent(job.tenant.id)}">${job.tenant.name}</a>` : t('audit.platform')}<span class="only-narrow"> · ${this.when(job)}</span></p>
          ${job.last_error ? html`<p class="job-error"><code>${job.last_error}</code></p>` : nothing}</th>
        <td class="not-narrow">${words(`jobs.queue.${job.queue}`, job.queue)}</td>
        <td class="not-narrow"><span class="state state-${tone}">${icon(image)}${words(`jobs.is.${job.state}`, job.state)}</span></td>
        <td class="num not-narrow">${count(job.attempts)}</td>
        <td class="nowrap not-narrow">${this.when(job)}</td>
        <td class="row-acts">${failed ? html`<button type="button" class="btn btn-sm" data-action="replay" aria-label=${t('source.action_of', { action: t('jobs.replay'), name })} ?disabled=${this.busy !== ''} @click=${() => this.replay([job.id])}>${icon('refresh')}${t('jobs.replay')}</button>` : nothing}</td>
      </tr>`;
  }

  /** @param {Job[]} items */
  table(items) {
    const { t } = store;
    const all = items.every((one) => this.chosen.has(one.id));
    const column = (/** @type {string} */ name, side = '') => html`<th scope="col" class=${side}>${t(`ops.col.${name}`)}</th>`;
    const chooseAll = (/** @type {boolean} */ on) => {
      this.chosen = new Set(on ? items.map((one) => one.id) : []);
      this.draw();
    };
    return html`
      ${this.state === 'failed' ? html`<div class="bulk">
        <button type="button" class="btn btn-primary" data-action="replay-chosen" ?disabled=${!this.chosen.size || this.busy !== ''} @click=${() => this.replay([...this.chosen])}>${icon('refresh')}${this.busy === 'replay' ? t('dialog.busy') : this.chosen.size ? t('jobs.replay_chosen', { n: this.chosen.size }) : t('jobs.choose_some')}</button></div>` : nothing}
      <table class="table figures rows stack stack-jobs"><caption class="visually-hidden">${this.title}</caption>
        <thead><tr>${this.state === 'failed' ? html`<th scope="col" class="pick"><input class="form-check-input" type="checkbox" aria-label=${t('jobs.choose_all')} .checked=${all} @change=${(/** @type {any} */ e) => chooseAll(e.target.checked)}></th>` : nothing}
          ${column('job')}${column('queue', 'not-narrow')}${column('state', 'not-narrow')}${column('attempts', 'num not-narrow')}${column('when', 'not-narrow')}<th scope="col"><span class="visually-hidden">${t('ops.col.acts')}</span></th></tr></thead>
        <tbody>${items.map((one) => this.row(one))}</tbody></table>`;
  }

  template() {
    const { t } = store;
    const { state } = this;
    const queues = [...new Set([...QUEUES, this.params.queue].filter(Boolean))];
    const none = empty(t(`jobs.none.${state === 'failed' ? 'failed' : 'other'}`), t(`jobs.none.${state === 'failed' ? 'failed_text' : 'other_text'}`), nothing, state === 'failed' ? 'check' : 'stack');
    return html`
      ${head(this.title, t('jobs.lead'))}
      ${this.noticeLine()}
      <form class="card filter-bar" aria-label=${t('filter.title')} @submit=${(/** @type {Event} */ e) => e.preventDefault()}>
        ${select(t('ops.col.state'), 'jobs-state', state, STATES.map((one) => /** @type {[string, string]} */ ([one, t(`jobs.state.${one}`)])), (wish) => change({ state: wish }))}
        ${select(t('ops.col.queue'), 'jobs-queue', this.params.queue ?? '', [['', t('jobs.any_queue')], ...queues.map((one) => /** @type {[string, string]} */ ([one, words(`jobs.queue.${one}`, one)]))], (queue) => change({ queue }))}
        <button type="button" class="btn" @click=${() => this.load()}>${icon('refresh')}${t('jobs.reload')}</button>
      </form>
      <section class="card widget" aria-label=${this.title}>${listing(this.jobs, { none, rows: (items) => this.table(items) })}</section>`;
  }
}

/** @param {HTMLElement} root @param {import('../../lib/url.js').Location} location */
export const jobsView = (root, location) => new JobsPage(root, location).view();
