// What the pages of sources work out from a source's facts. Pure.

/** @typedef {{id: string, name: string, account: string}} Account */
/** @typedef {{code: string, what: string, why: string, who: 'admin'|'portal'|'nobody', action: string}} Failure */
/** @typedef {{key: string, name: string, status: 'waiting'|'filling'|'complete'|'blocked', missing_permission: string|null, data_through: string|null, provisional_from: string|null, fetched_at: string|null, backfilled_from: string|null, backfill_until: string|null}} Stream */
/**
 * @typedef {object} Source
 * @property {string} id
 * @property {string} provider
 * @property {'oauth2'|'api_key'|'file'} type
 * @property {string} name
 * @property {string} status
 * @property {string} status_text
 * @property {Failure|null} failure
 * @property {string|null} retry_at
 * @property {string|null} last_sync_at
 * @property {string|null} next_due
 * @property {number|null} cadence_minutes
 * @property {string|null} pause_reason
 * @property {import('./freshness.js').Freshness} freshness
 * @property {{id: string, label: string}|null} connection
 * @property {boolean} test_mode
 * @property {Account|null} property
 * @property {Account[]} properties
 * @property {string|null} zone
 * @property {boolean} zone_is_chosen
 * @property {string|null} [zone_wanted] the zone that the next run moves the days into
 * @property {string|null} currency
 * @property {Stream[]} streams
 * @property {{from: string|null, until: string, percent: number}|null} backfill
 */

/** Minutes between two runs that are offered; the server knows which of them the plan allows. */
const RHYTHMS = [60, 180, 360, 720, 1440, 10_080];
/** A list of accounts that is longer gets a search field. */
export const MANY = 8;

/**
 * The rows to tick when making a restricted key in Stripe: as its dashboard names them, then as its errors do, as in docs/connectors.md.
 * @type {Array<{label: string, names: string[]}>}
 */
export const STRIPE_PERMISSIONS = [
  { label: 'Balance transaction sources', names: ['rak_balance_transaction_source_read'] },
  { label: 'Charges and Refunds', names: ['rak_charge_read'] },
  { label: 'Disputes', names: ['rak_dispute_read'] },
  { label: 'PaymentIntents', names: ['rak_payment_intent_read'] },
  { label: 'Customers', names: ['rak_customer_read'] },
  { label: 'Subscriptions', names: ['rak_subscription_read'] },
  { label: 'Prices, Coupons', names: ['rak_plan_read', 'rak_coupon_read'] },
  { label: 'Events', names: ['rak_event_read'] },
  { label: 'Balance', names: ['rak_balance_read'] },
];

/** How the provider's own page names what is missing; the error's name where we do not know it. @param {string} permission */
export const permissionLabel = (permission) => STRIPE_PERMISSIONS.find((row) => row.names.includes(permission))?.label ?? permission;

/** The rhythms to choose from, the present one among them. @param {number|null} present */
export const rhythms = (present) => [...new Set([...RHYTHMS, ...(present ? [present] : [])])].sort((a, b) => a - b);

/** Minutes as the largest whole unit. @param {number} minutes @returns {{unit: 'minutes'|'hours'|'days', n: number}} */
export function rhythmUnit(minutes) {
  if (minutes % 1440 === 0) return { unit: 'days', n: minutes / 1440 };
  if (minutes % 60 === 0) return { unit: 'hours', n: minutes / 60 };
  return { unit: 'minutes', n: minutes };
}

/** What cannot be read now for want of a permission. A stream that is being read has all it needs, whatever an earlier check said. @param {Stream} stream */
export const missing = (stream) => (stream.status === 'blocked' || stream.status === 'waiting' ? stream.missing_permission : null);

/** It is being read, or its history is: worth asking again soon. @param {Source} source */
export const isMoving = (source) => source.status === 'syncing' || (source.backfill !== null && source.status === 'connected');

/** A person has to choose what is read. @param {Source} source */
export const needsChoice = (source) => source.type !== 'file' && !source.property && source.properties.length > 0;

/** Accounts whose name, group or number holds all the words. @param {Account[]} accounts @param {string} query */
export function searchAccounts(accounts, query) {
  const plain = (/** @type {string} */ text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  const wanted = plain(query).split(/\s+/).filter(Boolean);
  return accounts.filter((one) => wanted.every((word) => plain(`${one.account} ${one.name} ${one.id}`).includes(word)));
}

/** What an administrator may do now. @param {Source} source @returns {Set<'connect'|'reconnect'|'sync'|'pause'|'resume'|'upload'>} */
export function acts({ type, status, property }) {
  const all = new Set();
  if (type === 'file') all.add('upload');
  else if (status === 'not_connected') all.add('connect');
  else if (status === 'needs_reauth') all.add('reconnect');
  else if (status !== 'paused' && property) all.add('sync');
  if (status === 'paused') all.add('resume');
  else if (type !== 'file' && status !== 'not_connected') all.add('pause');
  return all;
}

/** Metrics that nobody feeds once the source is gone. @param {Array<{name: string, sources: Array<{id: string}>}>} catalog @param {string} id */
export const fedOnlyBy = (catalog, id) => catalog.filter(({ sources }) => sources.length === 1 && sources[0].id === id).map(({ name }) => name);

/** A figure's change in per cent, or null where there is no base. @param {number|null} before @param {number|null} after */
export const changeOf = (before, after) => (before === null || after === null || before === 0 ? null : (after / before - 1) * 100);

/** The first page of a list that may have grown, and what stood below it. @template {{id: string}} T @param {T[]} before @param {T[]} fresh */
export function renewed(before, fresh) {
  const known = new Set(fresh.map(({ id }) => id));
  return [...fresh, ...before.filter(({ id }) => !known.has(id))];
}
