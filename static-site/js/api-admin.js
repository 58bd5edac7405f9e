// Requests of the administration: the company's own (team, settings, audit) and the operator's.
import { request } from './api.js';

/** @typedef {Record<string, string|number|null|undefined>} Query */

const id = encodeURIComponent;

export const team = {
  list: (/** @type {Query} */ query, /** @type {AbortSignal} */ signal) => request('GET', '/team', { query, signal }),
  setRole: (/** @type {string} */ user, /** @type {string} */ role) => request('PATCH', `/team/${id(user)}`, { body: { role } }),
  remove: (/** @type {string} */ user) => request('DELETE', `/team/${id(user)}`),
  endSessions: (/** @type {string} */ user) => request('DELETE', `/team/${id(user)}/sessions`),
  invitations: (/** @type {Query} */ query, /** @type {AbortSignal} */ signal) => request('GET', '/team/invitations', { query, signal }),
  invite: (/** @type {Array<{email: string, role: string}>} */ invitations) => request('POST', '/team/invitations', { body: { invitations } }),
  resend: (/** @type {string} */ invitation) => request('POST', `/team/invitations/${id(invitation)}/resend`, { body: {} }),
  revoke: (/** @type {string} */ invitation) => request('DELETE', `/team/invitations/${id(invitation)}`),
};

export const tenant = {
  read: (/** @type {AbortSignal} */ signal) => request('GET', '/tenant', { signal, as: 'tagged' }),
  change: (/** @type {Record<string, unknown>} */ body, /** @type {string|null} */ ifMatch) => request('PATCH', '/tenant', { body, ifMatch, as: 'tagged' }),
};

export const audit = {
  list: (/** @type {Query} */ query, /** @type {AbortSignal} */ signal) => request('GET', '/audit', { query, signal }),
  actions: (/** @type {AbortSignal} */ signal) => request('GET', '/audit/actions', { signal }),
  file: (/** @type {Query} */ query) => request('GET', '/audit/file', { query, as: 'blob' }),
  verify: () => request('GET', '/audit/verification'),
};

/** @param {string} tenantId */
const company = (tenantId) => `/operator/tenants/${id(tenantId)}`;

export const operator = {
  overview: (/** @type {AbortSignal} */ signal) => request('GET', '/operator/overview', { signal }),
  sources: (/** @type {Query} */ query, /** @type {AbortSignal} */ signal) => request('GET', '/operator/sources', { query, signal }),
  tenants: (/** @type {Query} */ query, /** @type {AbortSignal} */ signal) => request('GET', '/operator/tenants', { query, signal }),
  tenant: (/** @type {string} */ tenantId, /** @type {AbortSignal} */ signal) => request('GET', company(tenantId), { signal, as: 'tagged' }),
  createTenant: (/** @type {unknown} */ body) => request('POST', '/operator/tenants', { body }),
  changeTenant: (/** @type {string} */ tenantId, /** @type {Record<string, unknown>} */ body, /** @type {string|null} */ ifMatch) =>
    request('PATCH', company(tenantId), { body, ifMatch }),
  removal: (/** @type {string} */ tenantId) => request('GET', `${company(tenantId)}/removal`),
  removeTenant: (/** @type {string} */ tenantId, /** @type {number} */ days, /** @type {string|null} */ ifMatch) =>
    request('DELETE', company(tenantId), { query: { grace_days: days }, ifMatch }),
  plans: (/** @type {AbortSignal} */ signal) => request('GET', '/operator/limits', { signal }),
  users: (/** @type {Query} */ query, /** @type {AbortSignal} */ signal) => request('GET', '/operator/users', { query, signal }),
  createUser: (/** @type {unknown} */ body) => request('POST', '/operator/users', { body }),
  activate: (/** @type {string} */ user, /** @type {boolean} */ active) => request('PATCH', `/operator/users/${id(user)}`, { body: { is_active: active } }),
  resetMfa: (/** @type {string} */ user) => request('POST', `/operator/users/${id(user)}/mfa/reset`, { body: {} }),
  jobs: (/** @type {Query} */ query, /** @type {AbortSignal} */ signal) => request('GET', '/operator/jobs', { query, signal }),
  replay: (/** @type {string} */ job) => request('POST', `/operator/jobs/${id(job)}/replay`, { body: {} }),
  audit: (/** @type {Query} */ query, /** @type {AbortSignal} */ signal) => request('GET', '/operator/audit', { query, signal }),
  actions: (/** @type {AbortSignal} */ signal) => request('GET', '/operator/audit/actions', { signal }),
};
