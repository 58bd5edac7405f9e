// Requests about who somebody is: sign-in, mailed links, the own account. Answers with a session replace `store.session` by themselves.
import { request } from './api.js';

/** @param {string} path @param {unknown} body of someone who need not be signed in */
const open = (path, body) => request('POST', path, { body, quiet: true });

export const identity = {
  login: (/** @type {string} */ email, /** @type {string} */ password) => open('/auth/login', { email, password }),
  verify: (/** @type {string} */ ticket, /** @type {string} */ code) => open('/auth/mfa', { ticket, code }),
  forgot: (/** @type {string} */ email) => open('/auth/password/forgot', { email }),
  reset: (/** @type {string} */ token, /** @type {string} */ password) => open('/auth/password/reset', { token, password }),
  look: (/** @type {string} */ token) => open('/invitations/look', { token }),
  accept: (/** @type {{token: string, name?: string, password?: string}} */ body) => open('/invitations/accept', body),
  reauthenticate: (/** @type {{password: string, code?: string}} */ body) => request('POST', '/auth/reauthenticate', { body }),

  account: (/** @type {AbortSignal} */ signal) => request('GET', '/account', { signal }),
  changeAccount: (/** @type {{name?: string, locale?: string}} */ body) => request('PATCH', '/account', { body }),
  changePassword: (/** @type {string} */ current, /** @type {string} */ fresh) => request('POST', '/auth/password/change', { body: { current, new: fresh } }),
  sessions: (/** @type {AbortSignal} */ signal) => request('GET', '/account/sessions', { signal }),
  endSession: (/** @type {string} */ id) => request('DELETE', `/account/sessions/${encodeURIComponent(id)}`),
  endSessions: (/** @type {boolean} */ keepCurrent) => request('DELETE', '/account/sessions', { query: { keep_current: keepCurrent ? 'true' : null } }),
  startTotp: () => request('POST', '/account/totp/start', { body: {} }),
  confirmTotp: (/** @type {string} */ code) => request('POST', '/account/totp/confirm', { body: { code } }),
  renewCodes: (/** @type {string} */ password, /** @type {string} */ code) => request('POST', '/account/totp/recovery', { body: { password, code } }),
  disableTotp: (/** @type {string} */ password, /** @type {string} */ code) => request('POST', '/account/totp/disable', { body: { password, code } }),
};
