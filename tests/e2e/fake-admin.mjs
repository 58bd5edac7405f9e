// The fake portal's team, settings and audit (docs/api.md, sections Team, Tenant, Audit); the operator's part is in fake-operator.mjs.
import { randomUUID } from 'node:crypto';
import { dayInZone } from '../../static-site/js/lib/dates.js';
import { Problem } from './fake-api.mjs';
import * as data from './fake-admin-data.mjs';

const AREAS = new Set(['team', 'tenant', 'audit', 'operator']);
const PAGE = 50;

/** Everything of the administration, made when first asked for. */
export function adminState(state) {
  if (state.admin) return state.admin;
  const people = data.people();
  const [ada, bruno, carmen, diego, greta] = people;
  const { acme, globex } = state.tenants;
  const operator = people.find((one) => one.is_operator);
  for (const tenant of [acme, globex]) Object.assign(tenant, { status: 'active', plan: 'standard', created_at: data.ago(2e10), delete_after: null, overrides: {}, require_mfa: false, audit_retention_days: 730, version: 1 });
  const companies = data.others().map((tenant) => ({ ...tenant, overrides: {}, require_mfa: false, audit_retention_days: 730, version: 1 }));
  const member = (tenant, user, role) => ({ tenant: tenant.id, user, role, since: data.ago(1e10) });
  const members = [member(acme, ada, 'admin'), member(acme, bruno, 'viewer'), member(acme, carmen, 'admin'), member(acme, diego, 'viewer'), member(globex, greta, 'admin'), member(companies[0], people[7], 'viewer')];
  const invitation = (tenant, email, expires, status) => ({ tenant: tenant.id, id: randomUUID(), email, role: 'viewer', status, invited_by: 'Ada Marín', created_at: data.ago(52 * 3.6e6), expires_at: expires });
  const invitations = [invitation(acme, 'elena@acme.example', data.ahead(4 * 8.64e7), 'pending'), invitation(acme, 'fermin@acme.example', data.ago(8.64e7), 'expired')];
  const audit = new Map([[acme.id, data.trail(people, operator)], [globex.id, []]]);
  state.admin = { people, companies: [acme, globex, ...companies], members, invitations, audit, exports: 0, jobs: data.jobs(companies), troubles: data.troubles(companies) };
  return state.admin;
}

export const missing = () => new Problem(404, 'not_found', 'No existe.');
/** A list in pages, the cursor being an offset. */
export function paged(items, query, size = PAGE) {
  const from = Number(query.get('cursor') ?? 0);
  const limit = Math.min(Number(query.get('limit') ?? size), 200);
  return { items: items.slice(from, from + limit), next_cursor: items.length > from + limit ? String(from + limit) : null };
}

export const limitsOf = (tenant) => ({ ...data.PLANS[tenant.plan], ...tenant.overrides });
export function useOf(admin, tenant) {
  if (tenant.use) return tenant.use;
  const users = admin.members.filter((one) => one.tenant === tenant.id).length;
  return { sources: tenant.sources.length, datapoints: tenant.facts.length, users, exports_today: admin.exports };
}

/** The person behind a signed-in account. */
const me = (admin, account) => admin.people.find((one) => one.email === account.email);

/** Writes an entry where the company's administrators and the operators read it. */
export function record(admin, account, tenantId, action, more = {}) {
  const list = admin.audit.get(tenantId) ?? [];
  admin.audit.set(tenantId, [data.entry(me(admin, account), action, more), ...list]);
}

const USABLE = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;

export const memberItem = (account) => ({ user, role, since }) => ({ user_id: user.id, name: user.name, email: user.email, role, mfa: user.mfa, last_login: user.last_login, since, you: user.email === account.email });
export const invitationItem = ({ tenant: _, ...item }) => item;

function invite(admin, account, tenant, wanted) {
  const errors = wanted.flatMap(({ email }, i) => (USABLE.test(email) ? [] : [{ field: `invitations[${i}].email`, code: 'invalid', detail: `«${email}» no es una dirección de correo.` }]));
  if (errors.length) throw new Problem(422, 'invalid', 'Revise las direcciones.', { errors });
  const mine = admin.members.filter((one) => one.tenant === tenant.id);
  const open = admin.invitations.filter((one) => one.tenant === tenant.id);
  if (mine.length + open.length + wanted.length > limitsOf(tenant).users) throw new Problem(409, 'limit_users', `Su plan admite ${limitsOf(tenant).users} personas.`);
  return wanted.map(({ email, role }) => {
    if (mine.some((one) => one.user.email === email)) return { email, role, result: 'already_member', id: null };
    const known = open.find((one) => one.email === email);
    if (known) return { email, role, result: 'already_invited', id: known.id };
    const made = { tenant: tenant.id, id: randomUUID(), email, role, status: 'pending', invited_by: me(admin, account)?.name ?? null, created_at: data.ago(0), expires_at: data.ahead(7 * 8.64e7) };
    admin.invitations.push(made);
    record(admin, account, tenant.id, 'team.invited', { after: { email, role } });
    return { email, role, result: 'invited', id: made.id };
  });
}

function invitations(admin, account, method, [id, act], body) {
  const { tenant } = account;
  if (!id && method === 'GET') return { items: admin.invitations.filter((one) => one.tenant === tenant.id).map(invitationItem), next_cursor: null };
  if (!id) return [201, { items: invite(admin, account, tenant, body.json.invitations) }];
  const found = admin.invitations.find((one) => one.id === id && one.tenant === tenant.id);
  if (!found) throw missing();
  if (act === 'resend') return invitationItem(Object.assign(found, { status: 'pending', expires_at: data.ahead(7 * 8.64e7) }));
  admin.invitations = admin.invitations.filter((one) => one !== found);
  return [204, null];
}

function team(admin, account, method, route, query, body) {
  if (route[0] === 'invitations') return invitations(admin, account, method, route.slice(1), body);
  const { tenant } = account;
  const mine = admin.members.filter((one) => one.tenant === tenant.id);
  const item = memberItem(account);
  if (!route[0]) return paged(mine.map(item), query);
  const found = mine.find((one) => one.user.id === route[0]);
  if (!found) throw missing();
  if (route[1] === 'sessions') return [204, null];
  const last = found.role === 'admin' && mine.filter((one) => one.role === 'admin').length === 1;
  if (last && (method === 'DELETE' || body.json.role !== 'admin')) throw new Problem(409, 'last_admin', 'La empresa necesita al menos una persona con administración.');
  if (method === 'DELETE') {
    admin.members = admin.members.filter((one) => one !== found);
    record(admin, account, tenant.id, 'team.removed', { resource: `user:${found.user.id}`, before: { email: found.user.email, role: found.role } });
    return [204, null];
  }
  record(admin, account, tenant.id, 'team.role_changed', { resource: `user:${found.user.id}`, before: { role: found.role }, after: { role: body.json.role } });
  found.role = body.json.role;
  return item(found);
}

const tag = (tenant) => ({ ETag: `"${tenant.version}"` });
export function guarded(tenant, request) {
  const wanted = request.headers['if-match'];
  if (wanted && wanted !== tag(tenant).ETag) throw new Problem(412, 'stale', 'Ha cambiado mientras tanto.');
}

function settings(admin, account, method, request, body) {
  const { tenant } = account;
  const answer = () => {
    const { id, name, plan, zone, currency, locale, week_start, require_mfa, audit_retention_days } = tenant;
    return [200, { id, name, plan, zone, currency, locale, week_start, require_mfa, audit_retention_days, limits: limitsOf(tenant), use: useOf(admin, tenant) }, tag(tenant)];
  };
  if (method === 'GET') return answer();
  guarded(tenant, request);
  const changes = body.json;
  if (changes.require_mfa && !me(admin, account)?.mfa) throw new Problem(409, 'enroll_first', 'Active antes la verificación en dos pasos en su propia cuenta.');
  record(admin, account, tenant.id, 'tenant.changed', { resource: 'tenant', before: Object.fromEntries(Object.keys(changes).map((key) => [key, tenant[key]])), after: changes });
  Object.assign(tenant, changes, { version: tenant.version + 1 });
  return answer();
}

/** Entries of some filters, newest first. */
export function filtered(entries, query, zone = 'UTC') {
  const [from, to, actor, action] = ['from', 'to', 'actor', 'action'].map((name) => query.get(name));
  return entries.filter((one) => {
    const day = dayInZone(Date.parse(one.ts), zone);
    return (!from || day >= from) && (!to || day <= to) && (!actor || one.actor.id === actor) && (!action || one.action === action || one.action.startsWith(`${action}.`));
  });
}

function audit(admin, account, [part], query) {
  const { tenant } = account;
  const entries = admin.audit.get(tenant.id) ?? [];
  if (part === 'actions') return { items: data.ACTIONS, next_cursor: null };
  if (part === 'verification') return { checked: entries.length, intact: !admin.broken, first_broken: admin.broken ?? null };
  const found = filtered(entries, query, tenant.zone);
  if (part !== 'file') return paged(found, query);
  admin.exports += 1;
  record(admin, account, tenant.id, 'audit.exported', { detail: { rows: found.length } });
  const lines = found.map((one) => [one.ts, one.actor.email ?? '', one.action, one.outcome].join(','));
  return { raw: `ts,actor,action,outcome\n${lines.join('\n')}\n`, type: 'text/csv' };
}

/** Answers what belongs to the administration, else undefined. */
export async function adminRoutes(state, account, request, url, body) {
  const [area, ...route] = url.pathname.slice('/api/'.length).split('/').map(decodeURIComponent);
  if (!AREAS.has(area)) return undefined;
  const admin = adminState(state);
  const { method } = request;
  if (area === 'operator') {
    if (account.role !== 'operator') throw missing();
    return (await import('./fake-operator.mjs')).operatorRoutes(admin, account, request, route, url.searchParams, body);
  }
  if (area === 'tenant' && method === 'GET' && account.tenant) return settings(admin, account, method, request, body);
  if (account.role !== 'admin') throw new Problem(403, 'forbidden', 'Hace falta administración.');
  if (area === 'tenant') return settings(admin, account, method, request, body);
  if (area === 'team') return team(admin, account, method, route, url.searchParams, body);
  return audit(admin, account, route, url.searchParams);
}
