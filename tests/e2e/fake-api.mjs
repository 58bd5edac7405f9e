// A stand-in for the portal: serves static-site/ under the site's own security headers and answers docs/api.md from memory.
// For working on the site without PostgreSQL, and for the browser tests that need a fault on demand. Nothing of it ships.
//   node tests/e2e/fake-api.mjs [port]
import { createServer } from 'node:http';
import { readFile, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { addDays, dayInZone } from '../../static-site/js/lib/dates.js';
import { readSample, splitCsv } from '../../static-site/js/lib/csv-sample.js';
import { decodeDims } from '../../static-site/js/lib/url.js';
import { adminRoutes } from './fake-admin.mjs';
import * as data from './fake-data.mjs';
import { addPeople, identity, mustEnroll } from './fake-identity.mjs';

const SITE = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../static-site');
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };
export const PASSWORD = 'mar-azul-faro-2026';

export class Problem extends Error {
  constructor(status, code, detail, more = {}) {
    super(detail);
    this.status = status;
    this.body = { type: 'about:blank', title: code, status, detail, code, request_id: randomUUID(), ...more };
  }
}

/** @param {{empty?: boolean}} [options] a company without sources */
export function fakeState({ empty = false } = {}) {
  const today = dayInZone(Date.now(), 'Europe/Madrid');
  const tenant = (name, locale, currency) => ({ id: randomUUID(), name, zone: 'Europe/Madrid', currency, locale, week_start: 'monday', sources: [], metrics: [], facts: [] });
  const acme = tenant('Lumbre Hogar', 'es-ES', 'EUR');
  const globex = tenant('Globex Clima', 'es-ES', 'EUR');
  const freshness = (ageMin) => ({ data_through: addDays(today, -1), fetched_at: new Date(Date.now() - ageMin * 60_000).toISOString(), next_due: new Date(Date.now() + 3.6e6).toISOString(), provisional_from: addDays(today, -3), status: 'connected' });
  const source = (provider, name) => ({ id: randomUUID(), provider, type: provider === 'csv' ? 'file' : 'oauth2', name, status: 'not_connected', status_text: 'Todavía no está conectada.', last_sync_at: null, freshness: { data_through: null, fetched_at: null, next_due: null, provisional_from: null, status: 'not_connected' }, property: null, properties: [], progress: null, created_at: new Date().toISOString() });
  const state = { today, tenants: { acme, globex }, source, freshness, faults: [], sessions: new Map(), syncs: new Map() };
  if (!empty) {
    const web = Object.assign(source('ga4', 'Tienda Lumbre (web)'), { status: 'connected', status_text: 'Los datos llegan con normalidad.', last_sync_at: new Date(Date.now() - 12 * 60_000).toISOString(), freshness: freshness(12), property: { id: 'properties/310000001', name: 'Tienda Lumbre (web)' } });
    acme.sources.push(web);
    acme.metrics.push(...data.GA4.map((m) => ({ ...m, source: web })));
    acme.facts.push(...data.analytics(today));
    state.syncs.set(web.id, [0, 1, 2].map((i) => ({ id: randomUUID(), trigger: 'schedule', status: i === 1 ? 'failed' : 'succeeded', started_at: new Date(Date.now() - (12 + i * 240) * 60_000).toISOString(), finished_at: null, from: addDays(today, -4), to: addDays(today, -1), rows_read: 480, rows_changed: i === 1 ? 0 : 61, rows_removed: 0, message: i === 1 ? 'Google no respondió. Se reintenta sola.' : null })));
  }
  if (!empty) {
    const file = source('csv', 'Clima de Seattle');
    globex.sources.push(file);
    importCsv(state, globex, file, data.weather(), data.WEATHER_MAPPING);
  }
  state.accounts = [
    { email: 'admin@acme.example', role: 'admin', tenant: acme }, { email: 'viewer@acme.example', role: 'viewer', tenant: acme },
    { email: 'admin@globex.example', role: 'admin', tenant: globex }, { email: 'operator@portal.example', role: 'operator', tenant: null },
  ];
  addPeople(state, PASSWORD);
  return state;
}

const sessionBody = (account, token) => {
  const { tenant, role, email, name, locale } = account;
  const public_ = tenant && { id: tenant.id, name: tenant.name, zone: tenant.zone, currency: tenant.currency, locale: tenant.locale, week_start: tenant.week_start, require_mfa: Boolean(tenant.require_mfa) };
  return { user: { id: email, email, name, locale, mfa: Boolean(account.mfa) }, tenant: public_, tenants: tenant ? [{ id: tenant.id, name: tenant.name, role }] : [], role, must_enroll_mfa: mustEnroll(account), csrf_token: token, now: new Date().toISOString() };
};

function range(tenant, query) {
  const through = tenant.facts.reduce((last, f) => (f.day > last ? f.day : last), '') || addDays(dayInZone(Date.now(), tenant.zone), -1);
  return { from: query.get('from') ?? addDays(through, -27), to: query.get('to') ?? through };
}

const entry = (m) => {
  const { source, ...rest } = m;
  return { ...rest, sources: [{ id: source.id, name: source.name, provider: source.provider }], freshness: source.freshness };
};

function figures(tenant, route, query) {
  const { from, to } = range(tenant, query);
  const dims = decodeDims(query.get('dims') ?? '');
  const now = new Date().toISOString();
  const compare = data.comparison(query.get('compare'), from, to);
  if (route[0] === 'metrics') {
    const metrics = tenant.metrics.map((m) => {
      const unknown = dims.some(([name]) => !m.dimensions.includes(name));
      const { value, reason } = unknown ? { value: null, reason: 'dimension_not_stored' } : data.combine(m, data.select(tenant, m.key, from, to, dims), dims);
      const previous = compare && !unknown ? data.combine(m, data.select(tenant, m.key, compare.from, compare.to, dims), dims).value : null;
      return { ...entry(m), value, reason, previous, delta: compare ? data.delta(m, value, previous) : null };
    });
    return { from, to, compare, now, metrics };
  }
  const find = (key) => tenant.metrics.find((m) => m.key === key) ?? (() => { throw new Problem(404, 'not_found', 'No existe.'); })();
  if (route[0] === 'series') {
    const m = find(route[1]);
    const bad = [...dims.map(([name]) => name), query.get('by')].find((name) => name && !m.dimensions.includes(name));
    if (bad) throw new Problem(422, 'unknown_dimension', `«${m.name}» no tiene la dimensión «${bad}».`);
    const grain = query.get('grain') ?? 'day';
    const make = (r) => data.series(tenant, m, r.from, r.to, grain, dims, query.get('by'), m.source.freshness.provisional_from);
    return { metric: m, grain, from, to, now, series: make({ from, to }), compare: compare && { ...compare, series: make(compare) }, freshness: m.source.freshness };
  }
  const all = query.get('metrics').split(',').map(find);
  const options = { from, to, dims, by: query.get('by'), sort: query.get('sort') ?? '', limit: Number(query.get('limit') ?? 50), offset: Number(query.get('cursor') ?? 0), grain: query.get('grain') ?? 'day' };
  return { from, to, now, ...data.table(tenant, all, options), freshness: all[0].source.freshness };
}

/** Only the formats that the tests use. */
function readDay(text, format) {
  const shape = { '%Y-%m-%d': /^(?<y>\d{4})-(?<m>\d\d)-(?<d>\d\d)$/, '%d/%m/%Y': /^(?<d>\d\d)\/(?<m>\d\d)\/(?<y>\d{4})$/ }[format];
  const { y, m, d } = shape?.exec(text)?.groups ?? {};
  return y ? `${y}-${m}-${d}` : null;
}

const readNumber = (text, decimal) => Number(decimal === ',' ? text.replaceAll('.', '').replace(',', '.') : text.replaceAll(',', ''));

function importCsv(state, tenant, source, csv, mapping) {
  const [header, ...records] = splitCsv(csv, mapping.delimiter, Infinity);
  const at = (name) => header.indexOf(name);
  const rejected = [];
  const facts = [];
  const taken = tenant.metrics.find((m) => mapping.metrics.some((w) => w.key === m.key && w.unit !== m.unit));
  if (taken) throw new Problem(409, 'metric_differs', `La clave «${taken.key}» ya existe con otra unidad.`);
  for (const [i, record] of records.entries()) {
    const text = record[at(mapping.date.column)] ?? '';
    const day = readDay(text, mapping.date.format);
    if (!day) {
      rejected.push({ line: i + 2, column: mapping.date.column, reason: 'bad_date', detail: `«${text}» no es una fecha con el formato ${mapping.date.format}.` });
      continue;
    }
    const dims = Object.fromEntries(mapping.dimensions.map((name) => [name, record[at(name)]]));
    for (const m of mapping.metrics) facts.push({ key: m.key, day, dims, value: readNumber(record[at(m.column)], mapping.decimal), den: m.additivity === 'mean' ? 1 : null });
  }
  const counts = { rows_read: records.length, imported: records.length - rejected.length, unchanged: 0, empty: 0, rejected, rejected_total: rejected.length };
  if (rejected.length && mapping.on_error === 'abort') throw new Problem(422, 'rows_rejected', 'Hay filas con errores.', { ...counts, imported: 0, applied: false });
  const through = facts.map((f) => f.day).sort().at(-1);
  Object.assign(source, { status: 'connected', status_text: 'El archivo se ha importado.', last_sync_at: new Date().toISOString(), freshness: { ...state.freshness(0), data_through: through, next_due: null, provisional_from: null } });
  for (const m of mapping.metrics) {
    if (!tenant.metrics.some((known) => known.key === m.key)) {
      tenant.metrics.push({ key: m.key, name: m.name, unit: m.unit, additivity: m.additivity === 'mean' ? 'ratio' : m.additivity, good_direction: 'none', definition: `Columna «${m.column}» de un archivo.`, formula: '', grain: mapping.grain, version: 1, currency: null, dimensions: mapping.dimensions, origin: { source: 'CSV', endpoint: source.name, field: m.column }, source });
    }
  }
  tenant.facts.push(...facts);
  return { ...counts, applied: true };
}

function sourceRoutes(state, account, method, route, body) {
  const { tenant } = account;
  const [, id, action] = route;
  if (id === 'providers') return { items: [{ provider: 'ga4', type: 'oauth2', name: 'Google Analytics 4', scopes: ['https://www.googleapis.com/auth/analytics.readonly'] }, { provider: 'csv', type: 'file', name: 'CSV', scopes: [] }], next_cursor: null };
  if (!id && method === 'GET') return { items: tenant.sources, next_cursor: null };
  if (method !== 'GET' && account.role !== 'admin') throw new Problem(403, 'forbidden', 'Su cuenta solo puede leer.');
  if (!id) {
    const made = state.source(body.json.provider, body.json.name);
    tenant.sources.push(made);
    return [201, made];
  }
  const source = tenant.sources.find((s) => s.id === id);
  if (!source) throw new Problem(404, 'not_found', 'No existe.');
  if (action === 'syncs') return { items: state.syncs.get(id) ?? [], next_cursor: null };
  if (action === 'connect') return { authorize_url: `/consent?source=${id}` };
  if (action === 'sync') {
    const run = { id: randomUUID(), trigger: 'manual', status: 'running', started_at: new Date().toISOString(), finished_at: null, from: addDays(state.today, -4), to: addDays(state.today, -1), rows_read: 480, rows_changed: 17, rows_removed: 0, message: null };
    state.syncs.set(id, [run, ...(state.syncs.get(id) ?? [])]);
    source.status = 'syncing';
    setTimeout(() => { run.status = 'succeeded'; Object.assign(source, { status: 'connected', last_sync_at: new Date().toISOString(), freshness: state.freshness(0) }); }, 1500).unref();
    return [202, { sync_id: run.id }];
  }
  if (action === 'preview') {
    const text = body.form.text.file;
    const delimiter = [',', ';', '\t', '|'].sort((a, b) => text.split(b).length - text.split(a).length)[0];
    const decimal = delimiter === ';' ? ',' : '.';
    return { delimiter, decimal, encoding: 'utf-8', columns: readSample(text, delimiter, decimal), rows: splitCsv(text, delimiter, Infinity).length - 1 };
  }
  if (action === 'files') return importCsv(state, tenant, source, body.form.text.file, JSON.parse(body.form.text.mapping));
  if (method === 'DELETE') {
    tenant.sources = tenant.sources.filter((s) => s !== source);
    const gone = tenant.metrics.filter((m) => m.source === source).map((m) => m.key);
    tenant.metrics = tenant.metrics.filter((m) => m.source !== source);
    tenant.facts = tenant.facts.filter((f) => !gone.includes(f.key));
    return [204, null];
  }
  if (method === 'PATCH') {
    if ('paused' in body.json) Object.assign(source, body.json.paused ? { status: 'paused', status_text: 'En pausa: no se recogen datos nuevos.' } : { status: 'connected', status_text: 'Los datos llegan con normalidad.' });
    if (body.json.property_id) Object.assign(source, { property: source.properties.find((p) => p.id === body.json.property_id), status: 'syncing', status_text: 'Recogiendo los primeros datos.', progress: { done_from: addDays(state.today, -90), until: addDays(state.today, -395) } });
  }
  return source;
}

async function api(state, request, url, body) {
  const [area, ...rest] = url.pathname.slice('/api/'.length).split('/').map(decodeURIComponent);
  const fault = state.faults.find((f) => url.pathname.startsWith(f.prefix));
  if (fault?.status) throw new Problem(fault.status, fault.code ?? 'internal', fault.detail ?? 'Fallo provocado.');
  const known = identity(state, request, url, body, Problem, sessionBody);
  if (known !== undefined) return known;
  const account = state.sessions.get(/__Host-session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]);
  const administered = await adminRoutes(state, account, request, url, body);
  if (administered) return administered;
  if (area === 'sources') return sourceRoutes(state, account, request.method, [area, ...rest], body);
  const { tenant } = account;
  if (area === 'catalog' && rest[0]) {
    const m = tenant.metrics.find((one) => one.key === rest[0]);
    if (!m) throw new Problem(404, 'not_found', 'No existe.');
    const values = (name) => [...new Set(tenant.facts.filter((f) => f.key === m.key).map((f) => f.dims[name]))];
    return { ...entry(m), dimension_values: Object.fromEntries(m.dimensions.map((name) => [name, values(name)])) };
  }
  if (area === 'catalog') {
    const q = (url.searchParams.get('q') ?? '').toLowerCase();
    return { items: tenant.metrics.filter((m) => `${m.name} ${m.definition}`.toLowerCase().includes(q)).map(entry), next_cursor: null };
  }
  return figures(tenant, [area, ...rest], url.searchParams);
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/json')) return { json: JSON.parse(bytes.toString() || '{}') };
  if (!type.startsWith('multipart/')) return {};
  const form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  const text = {};
  for (const [name, value] of form) text[name] = typeof value === 'string' ? value : await value.text();
  return { form: { text } };
}

/** The provider's consent page, shrunk to two links. */
function consent(state, url, response) {
  const id = url.searchParams.get('source');
  const answer = url.searchParams.get('answer');
  if (!answer) return response.end(`<!doctype html><html lang="es"><title>Consent</title><h1>Consent</h1><a href="/consent?source=${id}&answer=allow">Allow</a> <a href="/consent?source=${id}&answer=deny">Deny</a>`);
  const source = Object.values(state.tenants).flatMap((t) => t.sources).find((s) => s.id === id);
  if (answer === 'allow') Object.assign(source, { status: 'connected', status_text: 'Elija una propiedad.', properties: [{ id: 'properties/1', name: 'Tienda (web)', account: 'Lumbre' }, { id: 'properties/2', name: 'Blog', account: 'Lumbre' }] });
  response.writeHead(303, { Location: `/#/sources?source=${id}${answer === 'allow' ? '' : '&error=access_denied'}` });
  return response.end();
}

async function file(url, response) {
  const name = path.join(SITE, path.normalize(decodeURIComponent(url.pathname === '/' ? '/index.html' : url.pathname)));
  if (!name.startsWith(SITE) || !(await stat(name).catch(() => null))?.isFile()) {
    response.statusCode = 404;
    return response.end('not found');
  }
  response.setHeader('Content-Type', TYPES[path.extname(name)] ?? 'application/octet-stream');
  return response.end(await readFile(name));
}

/** Starts the server; `state.faults.push({prefix, status})` makes a route fail. */
export async function startFake(options = {}, port = 0) {
  const state = fakeState(options);
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    for (const [key, value] of Object.entries({ 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' })) response.setHeader(key, value);
    try {
      if (url.pathname === '/consent') return consent(state, url, response.setHeader('Content-Type', 'text/html'));
      if (!url.pathname.startsWith('/api/')) return await file(url, response);
      const answer = await api(state, request, url, await readBody(request));
      if (answer.raw) return response.writeHead(200, { 'Content-Type': answer.type, 'Cache-Control': 'no-store' }).end(answer.raw);
      const [status, body, headers = {}] = Array.isArray(answer) ? answer : [200, answer];
      response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', ...headers });
      return response.end(body === null ? undefined : JSON.stringify(body));
    } catch (error) {
      if (!(error instanceof Problem)) console.error(error);
      const problem = error instanceof Problem ? error : new Problem(500, 'internal', 'Error interno.');
      response.writeHead(problem.status, { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' });
      return response.end(JSON.stringify(problem.body));
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const accounts = state.accounts.map(({ email, role, tenant }) => ({ email, role, tenant: tenant?.name ?? null, password: PASSWORD }));
  return { url, state, accounts, stop: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url, accounts } = await startFake({}, Number(process.argv[2] ?? 7072));
  console.log(`fake portal at ${url}: ${accounts.map((a) => a.email).join(', ')}; password ${PASSWORD}`);
}
