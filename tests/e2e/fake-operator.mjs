// The fake portal's operator routes (docs/api.md, section Operator).
import { randomUUID } from 'node:crypto';
import { filtered, guarded, invitationItem, limitsOf, missing, paged, record, useOf } from './fake-admin.mjs';
import * as data from './fake-admin-data.mjs';
import { Problem } from './fake-api.mjs';

const DAY = 8.64e7;

const tenantItem = (admin, tenant) => {
  const { id, name, plan, status, delete_after, created_at, overrides, zone, currency, locale } = tenant;
  return { id, name, plan, status, delete_after, created_at, limits: limitsOf(tenant), overrides, use: useOf(admin, tenant), zone, currency, locale };
};

const sourceItem = (tenant) => (s) => ({ id: s.id, name: s.name, provider: s.provider, status: s.status, status_code: null, status_text: s.status_text, cause: null, tenant: { id: tenant.id, name: tenant.name }, last_sync_at: s.last_sync_at, next_due: s.freshness.next_due, data_through: s.freshness.data_through, datapoints: tenant.facts.length });
const allSources = (admin) => [...admin.troubles.map(({ since: _, ...one }) => one), ...admin.companies.flatMap((tenant) => tenant.sources.map(sourceItem(tenant)))];

function overview(admin) {
  const sources = allSources(admin);
  const by_status = {};
  for (const { status } of sources) by_status[status] = (by_status[status] ?? 0) + 1;
  const codes = [...new Set(admin.troubles.map((one) => one.status_code))];
  const causes = codes.map((code) => admin.troubles.filter((one) => one.status_code === code)).map((all) => ({
    code: all[0].status_code, text: all[0].status_text, provider: all[0].provider, status: all[0].status, sources: all.length, tenants: new Set(all.map((one) => one.tenant.id)).size, since: all.map((one) => one.since).sort()[0],
    examples: all.slice(0, 3).map((one) => ({ tenant: one.tenant, source: { id: one.id, name: one.name }, cause: one.cause })),
  })).sort((a, b) => b.sources - a.sources);
  const count = (list, key, value) => list.filter((one) => one[key] === value).length;
  const state = (name) => count(admin.jobs, 'state', name);
  return {
    tenants: Object.fromEntries(['active', 'suspended', 'deleting'].map((name) => [name, count(admin.companies, 'status', name)])), sources: { total: sources.length, by_status }, causes,
    jobs: { queued: state('queued'), running: state('running'), failed: state('failed'), oldest_due_at: data.ago(60_000) }, missing_keys: [], now: new Date().toISOString(),
  };
}

function create(admin, account, wanted) {
  const errors = [['name', wanted.name], ['admin_email', /@.+\./.test(wanted.admin_email ?? '')]].filter(([, good]) => !good).map(([field]) => ({ field, code: 'invalid', detail: field === 'name' ? 'Escriba un nombre.' : 'No es una dirección de correo.' }));
  if (errors.length) throw new Problem(422, 'invalid', 'Revise los campos.', { errors });
  if (admin.companies.some((one) => one.name === wanted.name)) throw new Problem(409, 'name_taken', `Ya hay una empresa que se llama «${wanted.name}».`);
  const { plan, overrides, zone, currency, locale, week_start } = admin.companies.find((one) => one.id === wanted.template) ?? { plan: 'standard', overrides: {} };
  const base = { plan: wanted.plan ?? plan, overrides: { ...overrides }, zone, currency, locale, week_start };
  const tenant = { ...base, ...wanted.settings, id: randomUUID(), name: wanted.name, status: 'active', created_at: data.ago(0), delete_after: null, require_mfa: false, audit_retention_days: 730, version: 1, sources: [], metrics: [], facts: [] };
  admin.companies.unshift(tenant);
  admin.invitations.push({ tenant: tenant.id, id: randomUUID(), email: wanted.admin_email, role: 'admin', status: 'pending', invited_by: null, created_at: data.ago(0), expires_at: data.ahead(7 * DAY) });
  record(admin, account, tenant.id, 'tenant.created', { after: { name: tenant.name } });
  return tenant;
}

function change(admin, account, tenant, { limits, reason, status, ...rest }) {
  if (rest.name === '') throw new Problem(422, 'invalid', 'Revise los campos.', { errors: [{ field: 'name', code: 'bad_name', detail: 'Escriba un nombre.' }] });
  if (limits) {
    const before = { ...tenant.overrides };
    for (const [key, value] of Object.entries(limits)) if (value === null) delete tenant.overrides[key]; else tenant.overrides[key] = value;
    record(admin, account, tenant.id, 'tenant.limits_changed', { before: { limits: before }, after: { limits: tenant.overrides }, detail: { reason } });
  }
  if (status) {
    const action = status === 'suspended' ? 'tenant.suspended' : tenant.status === 'deleting' ? 'tenant.deletion_cancelled' : 'tenant.resumed';
    record(admin, account, tenant.id, action, { before: { status: tenant.status }, after: { status }, detail: reason ? { reason } : {} });
    Object.assign(tenant, { status, delete_after: null });
  }
  Object.assign(tenant, rest, { version: tenant.version + 1 });
}

function tenants(admin, account, request, [id, part], query, body) {
  const { method } = request;
  if (!id && method === 'POST') return [201, tenantItem(admin, create(admin, account, body.json))];
  if (!id) {
    const [q, status] = [(query.get('q') ?? '').toLowerCase(), query.get('status')];
    return paged(admin.companies.filter((one) => one.name.toLowerCase().includes(q) && (!status || one.status === status)).map((one) => tenantItem(admin, one)), query);
  }
  const tenant = admin.companies.find((one) => one.id === id);
  if (!tenant) throw missing();
  const members = admin.members.filter((one) => one.tenant === id).map(({ user, role }) => ({ user_id: user.id, name: user.name, email: user.email, role, is_active: user.is_active }));
  const sources = allSources(admin).filter((one) => one.tenant.id === id);
  const invitations = admin.invitations.filter((one) => one.tenant === id).map(invitationItem);
  if (part === 'removal') return { name: tenant.name, delete_after: data.ahead(30 * DAY), members: members.length, people_removed: Math.min(1, members.length), sources: sources.length, datapoints: useOf(admin, tenant).datapoints, invitations: invitations.length, jobs: admin.jobs.filter((one) => one.tenant?.id === id).length };
  if (method !== 'GET') guarded(tenant, request);
  if (method === 'PATCH') {
    change(admin, account, tenant, body.json);
  }
  if (method === 'DELETE') {
    Object.assign(tenant, { status: 'deleting', delete_after: data.ahead(Number(query.get('grace_days') ?? 30) * DAY), version: tenant.version + 1 });
    record(admin, account, tenant.id, 'tenant.deletion_scheduled', { after: { delete_after: tenant.delete_after } });
    return [202, tenantItem(admin, tenant), { ETag: `"${tenant.version}"` }];
  }
  return [200, { ...tenantItem(admin, tenant), ...(method === 'GET' ? { members, invitations, sources } : {}) }, { ETag: `"${tenant.version}"` }];
}

function users(admin, account, request, [id, part], query, body) {
  const item = (user) => ({ ...user, tenants: admin.members.filter((one) => one.user === user).map((one) => ({ id: one.tenant, name: admin.companies.find((c) => c.id === one.tenant).name, role: one.role })) });
  if (!id && request.method === 'POST') {
    const { name, email } = body.json;
    if (!/@.+\./.test(email)) throw new Problem(422, 'invalid', 'Revise los campos.', { errors: [{ field: 'email', code: 'invalid', detail: 'No es una dirección de correo.' }] });
    if (admin.people.some((one) => one.email === email)) throw new Problem(409, 'email_taken', 'Ya hay una cuenta con esa dirección.');
    const made = { id: randomUUID(), name, email, mfa: false, last_login: null, is_active: true, is_operator: true, created_at: data.ago(0) };
    admin.people.unshift(made);
    return [201, item(made)];
  }
  if (!id) {
    const q = (query.get('q') ?? '').toLowerCase();
    return paged(admin.people.filter((one) => `${one.name} ${one.email}`.toLowerCase().includes(q)).map(item), query);
  }
  const user = admin.people.find((one) => one.id === id);
  if (!user) throw missing();
  if (part === 'mfa') {
    user.mfa = false;
    return [204, null];
  }
  if (user.email === account.email) throw new Problem(409, 'yourself', 'No puede desactivar su propia cuenta.');
  user.is_active = body.json.is_active;
  return item(user);
}

function jobs(admin, [id], query) {
  if (!id) {
    const [state, queue] = [query.get('state'), query.get('queue')];
    return paged(admin.jobs.filter((one) => (!state || one.state === state) && (!queue || one.queue === queue)), query);
  }
  const job = admin.jobs.find((one) => one.id === id);
  if (!job) throw missing();
  if (job.state !== 'failed') throw new Problem(409, 'not_failed', 'Solo se repite lo que ha fallado.');
  if (job.last_error?.startsWith('lease lost')) throw new Problem(409, 'already_live', 'Ya hay un trabajo igual en marcha.');
  return [202, Object.assign(job, { state: 'queued', attempts: 0, run_at: data.ago(0), finished_at: null })];
}

function audit(admin, [part], query) {
  if (part === 'actions') return { items: data.PLATFORM_ACTIONS, next_cursor: null };
  const all = admin.companies.flatMap((tenant) => (admin.audit.get(tenant.id) ?? []).map((one) => ({ ...one, tenant: { id: tenant.id, name: tenant.name } })));
  return paged(filtered(all.sort((a, b) => b.ts.localeCompare(a.ts)), query), query);
}

/** @param {string[]} route what stands after `/api/operator/` */
export function operatorRoutes(admin, account, request, [area, ...route], query, body) {
  if (area === 'overview') return overview(admin);
  if (area === 'limits') return { plans: Object.entries(data.PLANS).map(([key, limits]) => ({ key, limits })) };
  if (area === 'sources') {
    const [tenant, status, code] = ['tenant', 'status', 'code'].map((name) => query.get(name));
    return paged(allSources(admin).filter((one) => (!tenant || one.tenant.id === tenant) && (!status || one.status === status) && (!code || one.status_code === code)), query);
  }
  if (area === 'tenants') return tenants(admin, account, request, route, query, body);
  if (area === 'users') return users(admin, account, request, route, query, body);
  if (area === 'jobs') return jobs(admin, route, query);
  if (area === 'audit') return audit(admin, route, query);
  throw missing();
}
