// The only place that talks to the server.
import { store } from './store.js';

/** A refused or failed request. `code` is stable (see docs/api.md); `detail` is a sentence for a person. */
export class ApiError extends Error {
  /** @param {number} status @param {Record<string, any>} problem */
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? '');
    this.status = status;
    /** @type {string} */
    this.code = problem.code ?? (status === 0 ? 'network' : 'internal');
    /** @type {string|null} */
    this.requestId = problem.request_id ?? null;
    /** @type {Array<{field: string, code: string, detail: string}>} */
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
    /** The whole body: an import that was refused lists its rows there. */
    this.problem = problem;
  }
}

/**
 * @typedef {object} Options
 * @property {Record<string, string|number|null|undefined>} [query]
 * @property {unknown} [body]
 * @property {FormData} [form]
 * @property {AbortSignal} [signal]
 * @property {boolean} [quiet] a 401 is an answer here, not the end of the session
 * @property {string|null} [ifMatch] the tag of what the person saw when they changed it
 * @property {'json'|'tagged'|'blob'} [as] `tagged` adds the answer's `etag` to its body, `blob` is a file
 */

/** @param {string} path @param {Options['query']} query */
function address(path, query = {}) {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== null && value !== undefined && value !== '') params.set(key, String(value));
  const text = params.toString();
  return `/api${path}${text ? `?${text}` : ''}`;
}

/** @param {string} method @param {string} path @param {Options} options */
async function send(method, path, { query, body, form, signal, ifMatch }) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json', 'Accept-Language': store.lang };
  if (method !== 'GET' && store.session) headers['X-CSRF-Token'] = store.session.csrf_token;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (ifMatch) headers['If-Match'] = ifMatch;
  try {
    return await fetch(address(path, query), {
      method, headers, signal, credentials: 'same-origin', cache: 'no-store', redirect: 'error',
      body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
    });
  } catch (error) {
    if (/** @type {Error} */ (error).name === 'AbortError') throw error;
    throw new ApiError(0, {});
  }
}

/** The body of an answer; a file or a tag only of a good one, a refusal is always a problem document. @param {Response} response @param {Options['as']} as */
async function json(response, as) {
  if (response.status === 204) return null;
  if (response.ok && as === 'blob') return response.blob();
  const body = await response.json().catch(() => ({}));
  return response.ok && as === 'tagged' ? { ...body, etag: response.headers.get('ETag') } : body;
}

/** Asks the person for the password again; true when the server took it. Set by reauth.js: this file draws nothing. */
let confirmIdentity = async () => false;

/** @param {() => Promise<boolean>} ask */
export const onReauthRequired = (ask) => {
  confirmIdentity = ask;
};

/** Every answer that carries a session replaces ours: its token is the only good one. @param {any} body */
function adopt(body) {
  const session = body?.csrf_token ? body : body?.session?.csrf_token ? body.session : null;
  if (session) store.setSession(session);
  return body;
}

/** What may be mended about a refusal, so that the same request can go once more. @param {string} code */
async function mend(code) {
  if (code === 'reauth_required') return confirmIdentity();
  // Another tab may have signed in anew, so our token is old: fetch the session's.
  await request('GET', '/auth/session');
  return true;
}

/** @param {string} method @param {string} path @param {Options} [options] @returns {Promise<any>} */
export async function request(method, path, options = {}) {
  let response = await send(method, path, options);
  let body = await json(response, options.as);
  for (const code of ['csrf', 'reauth_required']) {
    if (response.status !== 403 || body?.code !== code || !store.session) continue;
    if (await mend(code)) {
      response = await send(method, path, options);
      body = await json(response, options.as);
    } else body.detail = store.t('reauth.cancelled');
  }
  if (response.ok) return adopt(body);
  if (response.status === 401 && !options.quiet) store.emit('signed-out');
  if (body?.code === 'mfa_enrollment_required') {
    await request('GET', '/auth/session');
    store.emit('must-enroll');
  }
  throw new ApiError(response.status, body ?? {});
}

/** @param {string} id */
const source = (id) => `/sources/${encodeURIComponent(id)}`;

/** @param {File} file @param {unknown} [mapping] */
function upload(file, mapping) {
  const form = new FormData();
  if (mapping) form.set('mapping', JSON.stringify(mapping));
  form.set('file', file);
  return form;
}

export const api = {
  session: () => request('GET', '/auth/session', { quiet: true }),
  logout: () => request('POST', '/auth/logout', { quiet: true }),
  switchTenant: (/** @type {string} */ id) => request('POST', '/auth/tenant', { body: { tenant_id: id } }),
  metrics: (/** @type {any} */ query, /** @type {AbortSignal} */ signal) => request('GET', '/metrics', { query, signal }),
  series: (/** @type {string} */ key, /** @type {any} */ query, /** @type {AbortSignal} */ signal) =>
    request('GET', `/series/${encodeURIComponent(key)}`, { query, signal }),
  table: (/** @type {any} */ query, /** @type {AbortSignal} */ signal) => request('GET', '/table', { query, signal }),
  catalog: (/** @type {any} */ query, /** @type {AbortSignal} */ signal) => request('GET', '/catalog', { query, signal }),
  metric: (/** @type {string} */ key, /** @type {AbortSignal} */ signal) => request('GET', `/catalog/${encodeURIComponent(key)}`, { signal }),
  sources: (/** @type {AbortSignal} */ signal) => request('GET', '/sources', { signal }),
  providers: (/** @type {AbortSignal} */ signal) => request('GET', '/sources/providers', { signal }),
  connections: (/** @type {AbortSignal} */ signal) => request('GET', '/connections', { signal }),
  addSource: (/** @type {{provider: string, name: string, credential_id?: string}} */ wish) => request('POST', '/sources', { body: wish }),
  changeSource: (/** @type {string} */ id, /** @type {any} */ change) => request('PATCH', source(id), { body: change }),
  deleteSource: (/** @type {string} */ id) => request('DELETE', source(id)),
  giveKey: (/** @type {string} */ id, /** @type {string} */ key) => request('POST', `${source(id)}/key`, { body: { key } }),
  connect: (/** @type {string} */ id) => request('POST', `${source(id)}/connect`, { body: {} }),
  sync: (/** @type {string} */ id) => request('POST', `${source(id)}/sync`, { body: {} }),
  syncs: (/** @type {string} */ id, /** @type {any} */ query, /** @type {AbortSignal} */ signal) => request('GET', `${source(id)}/syncs`, { query, signal }),
  run: (/** @type {string} */ id, /** @type {string} */ run, /** @type {AbortSignal} */ signal) => request('GET', `${source(id)}/syncs/${encodeURIComponent(run)}`, { signal }),
  restatements: (/** @type {string} */ key, /** @type {any} */ query, /** @type {AbortSignal|undefined} */ signal) =>
    request('GET', `/catalog/${encodeURIComponent(key)}/restatements`, { query, signal }),
  preview: (/** @type {string} */ id, /** @type {File} */ file) => request('POST', `${source(id)}/preview`, { form: upload(file) }),
  importFile: (/** @type {string} */ id, /** @type {File} */ file, /** @type {unknown} */ mapping) =>
    request('POST', `${source(id)}/files`, { form: upload(file, mapping) }),
};

/** The strings of a language, a static file beside this one. @param {string} lang */
export async function loadMessages(lang) {
  const response = await fetch(`i18n/${lang}.json`);
  if (!response.ok) throw new ApiError(response.status, {});
  return response.json();
}
