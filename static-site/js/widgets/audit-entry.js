// One entry of the audit: who did what and when; opened, what changed and from where.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { diffRows, flatten } from '../lib/audit.js';
import { device } from '../lib/device.js';
import { store } from '../store.js';
import { ago, moment, words } from '../words.js';

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} ts
 * @property {{id: string|null, email: string|null, kind: string}} actor
 * @property {string} action
 * @property {string|null} resource
 * @property {'ok'|'refused'|'failed'} outcome
 * @property {string|null} ip
 * @property {string|null} user_agent
 * @property {string|null} request_id
 * @property {Record<string, unknown>|null} before
 * @property {Record<string, unknown>|null} after
 * @property {Record<string, unknown>} detail
 * @property {{id: string, name: string|null}|null} [tenant] the operator's audit
 */
/** @typedef {{open: boolean, toggle: () => void, person: (id: string, email: string) => void, company: boolean}} Look */

const TONES = { refused: 'warn', failed: 'bad' };

/** @param {string} action */
export const actionWords = (action) => words(`audit.action.${action}`, action);

/** A person, or whoever acted without one. @param {Entry['actor']} actor */
export const actorName = (actor) => actor.email ?? store.t(`audit.kind.${actor.kind}`);

/** "Chrome · Windows", or the beginning of what no browser sends. @param {string|null} agent */
function deviceWords(agent) {
  const { browser, system } = device(agent);
  return [browser, system].filter(Boolean).join(' · ') || (agent ?? '–').slice(0, 60);
}

/** @param {string} value */
const valueWords = (value) => words(`audit.value.${value}`, value);
/** @param {string} name */
const fieldWords = (name) => words(`audit.field.${name}`, name);

/** @param {Entry} entry */
function changes(entry) {
  const { t } = store;
  const rows = diffRows(entry.before, entry.after);
  if (!rows.length) return nothing;
  const cell = (/** @type {string|null} */ value, /** @type {string} */ tone) => (value === null ? html`<td class="muted">–</td>` : html`<td class=${tone}>${value === '' ? html`<em>${t('audit.blank')}</em>` : valueWords(value)}</td>`);
  return html`
    <table class="diff"><caption>${t('audit.changes')}</caption>
      <thead><tr><th scope="col">${t('audit.field')}</th><th scope="col">${t('audit.before')}</th><th scope="col">${t('audit.after')}</th></tr></thead>
      <tbody>${rows.map((row) => html`<tr><th scope="row">${fieldWords(row.name)}</th>${cell(row.before, row.changed ? 'diff-old' : '')}${cell(row.after, row.changed ? 'diff-new' : '')}</tr>`)}</tbody></table>`;
}

/** @param {Entry} entry @param {Look} look */
function detail(entry, look) {
  const { t } = store;
  const { actor } = entry;
  const fact = (/** @type {string} */ name, /** @type {unknown} */ value) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`
    ${changes(entry)}
    <dl class="audit-facts">
      ${fact(t('audit.when'), moment(entry.ts))}
      ${entry.resource ? fact(t('audit.resource'), html`<code>${entry.resource}</code>`) : nothing}
      ${flatten(entry.detail ?? {}).filter(([, value]) => value !== null).map(([name, value]) => fact(fieldWords(name), valueWords(String(value))))}
      ${fact(t('audit.ip'), entry.ip ?? '–')}
      ${fact(t('audit.device'), html`<span title=${entry.user_agent ?? nothing}>${deviceWords(entry.user_agent)}</span>`)}
      ${fact(t('audit.action_name'), html`<code>${entry.action}</code>`)}
      ${entry.request_id ? fact(t('audit.request'), html`<code>${entry.request_id}</code>`) : nothing}
    </dl>
    ${actor.id ? html`<button type="button" class="btn btn-sm" data-action="person" @click=${() => look.person(String(actor.id), String(actor.email ?? actor.id))}>${icon('filter')}${t('audit.only', { name: actorName(actor) })}</button>` : nothing}`;
}

/** @param {Entry} entry */
const outcome = (entry) => (entry.outcome === 'ok'
  ? html`<span class="muted">${store.t('audit.outcome.ok')}</span>`
  : html`<span class="state state-${TONES[entry.outcome]}">${icon('alert')}${store.t(`audit.outcome.${entry.outcome}`)}</span>`);

/** The company that an entry of the platform is about; one that is gone has no page. @param {Entry} entry */
function about({ tenant }) {
  const { t } = store;
  if (!tenant) return html`<span class="muted">${t('audit.platform')}</span>`;
  return tenant.name ? html`<a href="#/operator/tenants/${encodeURIComponent(tenant.id)}">${tenant.name}</a>` : html`<span class="muted" title=${tenant.id}>${t('audit.gone')}</span>`;
}

/** @param {Entry} entry @param {Look} look */
export function auditEntry(entry, look) {
  const { t } = store;
  return html`
    <tr class=${look.open ? 'row-open' : ''} data-entry=${entry.id}>
      <th scope="row"><button type="button" class="row-toggle" aria-expanded=${String(look.open)} aria-controls="entry-${entry.id}" @click=${look.toggle}>${icon('chevron')}<span>${actionWords(entry.action)}</span></button>
        <p class="muted only-narrow">${actorName(entry.actor)} · ${ago(entry.ts, '')}</p></th>
      ${look.company ? html`<td class="not-narrow">${about(entry)}</td>` : nothing}
      <td class="not-narrow break">${actorName(entry.actor)}${entry.actor.kind === 'operator' && !look.company ? html` <span class="label-chip">${t('role.operator')}</span>` : nothing}</td>
      <td class="not-narrow nowrap">${moment(entry.ts)}</td>
      <td>${outcome(entry)}</td>
    </tr>
    ${look.open ? html`<tr class="row-detail" id="entry-${entry.id}"><td colspan=${look.company ? 5 : 4}>${detail(entry, look)}</td></tr>` : nothing}`;
}
