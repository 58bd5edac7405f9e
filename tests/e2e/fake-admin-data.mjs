// What the fake portal's administration starts with: people, companies, jobs and an audit, enough to show every state.
import { randomUUID } from 'node:crypto';

export const PLANS = {
  standard: { sources: 10, datapoints: 2_000_000, users: 25, exports_per_day: 200, min_cadence_minutes: 60 },
  plus: { sources: 40, datapoints: 20_000_000, users: 100, exports_per_day: 1_000, min_cadence_minutes: 15 },
};

const MIN = 60_000;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;
export const ago = (ms) => new Date(Date.now() - ms).toISOString();
export const ahead = (ms) => new Date(Date.now() + ms).toISOString();

const person = (name, email, more = {}) => ({ id: randomUUID(), name, email, mfa: false, last_login: ago(3 * DAY), is_active: true, is_operator: false, created_at: ago(200 * DAY), ...more });

export function people() {
  return [
    person('Ada Marín', 'admin@acme.example', { mfa: true, last_login: ago(4 * MIN) }),
    person('Bruno Vidal', 'viewer@acme.example', { last_login: ago(2 * DAY) }),
    person('Carmen Ibáñez de la Fuente', 'carmen.ibanez@acme.example', { mfa: true, last_login: ago(5 * HOUR) }),
    person('Diego Roca', 'diego@acme.example', { last_login: null }),
    person('Greta Olsen', 'admin@globex.example', { last_login: ago(40 * MIN) }),
    person('Olga Prieto', 'operator@portal.example', { id: 'operator@portal.example', mfa: true, is_operator: true, last_login: ago(MIN) }),
    person('Hugo Lara', 'hugo@portal.example', { mfa: true, is_operator: true, last_login: ago(6 * DAY) }),
    person('Nuria Sáez', 'nuria@initech.example', { is_active: false, last_login: ago(90 * DAY) }),
  ];
}

/** Companies besides the two that have figures. */
export const others = () => [
  ['Initech Ibérica', 'active', 'standard', { sources: 9, datapoints: 1_930_000, users: 14, exports_today: 3 }, ago(120 * DAY)],
  ['Panadería Sol y Hermanos', 'active', 'standard', { sources: 2, datapoints: 81_200, users: 3, exports_today: 0 }, ago(60 * DAY)],
  ['Umbrella Clínicas', 'suspended', 'plus', { sources: 6, datapoints: 640_000, users: 11, exports_today: 0 }, ago(400 * DAY)],
  ['Vandelay Importaciones', 'deleting', 'standard', { sources: 1, datapoints: 12_000, users: 2, exports_today: 0 }, ago(300 * DAY)],
  ['Bodegas Ribera Alta', 'active', 'plus', { sources: 12, datapoints: 3_400_000, users: 31, exports_today: 12 }, ago(20 * DAY)],
].map(([name, status, plan, use, created_at]) => ({ id: randomUUID(), name, status, plan, use, created_at, delete_after: status === 'deleting' ? ahead(21 * DAY) : null, zone: 'Europe/Madrid', currency: 'EUR', locale: 'es-ES', week_start: 'monday', sources: [], metrics: [], facts: [] }));

/** Sources in trouble: kind of failure by company. */
export const troubles = (companies) => {
  const [initech, bakery, , , winery] = companies;
  const outage = { status: 'error', status_code: 'upstream_unavailable', status_text: 'Google no responde. Se reintenta sola; sus datos siguen ahí.', cause: 'HTTP 503 from analyticsdata.googleapis.com after 5 attempts' };
  const revoked = { status: 'needs_reauth', status_code: 'oauth_invalid_grant', status_text: 'Google ya no acepta el permiso. Vuelva a conectar la fuente.', cause: 'invalid_grant: Token has been expired or revoked' };
  const quota = { status: 'rate_limited', status_code: 'ga4_quota', status_text: 'Google ha pedido esperar. Sigue sola.', cause: 'RESOURCE_EXHAUSTED tokensPerHour, retry in 1834 s' };
  return [[initech, 'Web de Initech', outage, 50 * MIN], [initech, 'Tienda Portugal', outage, 48 * MIN], [bakery, 'Panadería (web)', outage, 52 * MIN], [winery, 'Bodega (web)', outage, 51 * MIN], [winery, 'Club de vinos', revoked, 30 * HOUR], [bakery, 'Obrador', quota, 12 * MIN]].map(([tenant, name, trouble, since]) => ({
    id: randomUUID(), name, provider: 'ga4', ...trouble, tenant: { id: tenant.id, name: tenant.name }, last_sync_at: ago(since + 4 * HOUR), next_due: ahead(10 * MIN), data_through: ago(2 * DAY).slice(0, 10), datapoints: 48_211, since: ago(since),
  }));
};

const job = (tenant, state, more) => ({ id: randomUUID(), tenant: tenant && { id: tenant.id, name: tenant.name }, kind: 'sync', queue: 'syncs', state, attempts: 1, last_error: null, run_at: ago(10 * MIN), created_at: ago(HOUR), finished_at: null, ...more });

export function jobs(companies) {
  const [initech, bakery, , , winery] = companies;
  return [
    job(initech, 'failed', { attempts: 9, last_error: 'upstream_unavailable: HTTP 503 from analyticsdata.googleapis.com', finished_at: ago(41 * MIN) }),
    job(bakery, 'failed', { attempts: 9, last_error: 'upstream_unavailable: HTTP 503 from analyticsdata.googleapis.com', finished_at: ago(44 * MIN) }),
    job(winery, 'failed', { attempts: 3, last_error: 'lease lost: another worker finished this slice', finished_at: ago(3 * HOUR) }),
    job(winery, 'queued', { run_at: ahead(4 * MIN) }),
    job(bakery, 'running', { run_at: ago(MIN) }),
    ...[1, 2, 3].map((i) => job(initech, 'succeeded', { run_at: ago(i * HOUR), finished_at: ago(i * HOUR - MIN) })),
  ];
}

const CHROME = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1';

/** An entry of the audit. @param {{id: string, email: string}|null} who */
export const entry = (who, action, more = {}) => ({
  id: randomUUID(), ts: ago(0), actor: who ? { id: who.id, email: who.email, kind: who.is_operator ? 'operator' : 'member' } : { id: null, email: null, kind: 'system' }, action, resource: null, outcome: 'ok',
  ip: who ? '203.0.113.24' : null, user_agent: who ? CHROME : null, request_id: randomUUID(), before: null, after: null, detail: {}, ...more,
});

/** A company's entries, newest first: some of each kind, then enough sign-ins for a second page. */
export function trail([ada, bruno, carmen], operator) {
  return [
    entry(ada, 'auth.login', { ts: ago(4 * MIN), detail: { mfa: true } }),
    entry(ada, 'team.role_changed', { ts: ago(2 * HOUR), resource: `user:${carmen.id}`, before: { role: 'viewer' }, after: { role: 'admin' }, detail: { email: carmen.email } }),
    entry(bruno, 'access.denied', { ts: ago(5 * HOUR), outcome: 'refused', user_agent: PHONE, ip: '198.51.100.7', resource: 'route:/api/team', detail: { needs: 'admin' } }),
    entry(carmen, 'tenant.changed', { ts: ago(7 * HOUR), resource: 'tenant', before: { zone: 'Europe/Madrid', currency: 'USD', require_mfa: false }, after: { zone: 'Europe/Madrid', currency: 'EUR', require_mfa: false } }),
    entry(null, 'auth.login_failed', { actor: { id: null, email: null, kind: 'member' }, ts: ago(9 * HOUR), outcome: 'failed', ip: '192.0.2.61', user_agent: PHONE, detail: { email: 'diego@acme.example' } }),
    entry(ada, 'source.created', { ts: ago(26 * HOUR), resource: `source:${randomUUID()}`, after: { name: 'Tienda Lumbre (web)', provider: 'ga4' } }),
    entry(operator, 'tenant.limits_changed', { ts: ago(50 * HOUR), resource: 'tenant', before: { limits: { users: 10 } }, after: { limits: { users: 25 } }, detail: { reason: 'Campaña de Navidad' } }),
    entry(ada, 'team.invited', { ts: ago(52 * HOUR), after: { email: 'elena@acme.example', role: 'viewer' } }),
    ...[...Array(60).keys()].map((i) => entry(i % 3 ? bruno : ada, i % 5 ? 'auth.login' : 'auth.logout', { ts: ago((60 + i * 9) * HOUR), user_agent: i % 2 ? CHROME : PHONE })),
  ];
}

export const PLATFORM_ACTIONS = ['access.denied', 'auth.login', 'auth.login_failed', 'job.replayed', 'tenant.changed', 'tenant.created', 'tenant.limits_changed', 'tenant.suspended', 'user.activated', 'user.operator_created'];
export const ACTIONS = ['auth.login', 'auth.login_failed', 'auth.logout', 'auth.throttled', 'account.changed', 'password.changed', 'team.invited', 'team.invitation_resent', 'team.invitation_revoked', 'team.joined', 'team.role_changed', 'team.removed',
  'team.sessions_ended', 'tenant.changed', 'tenant.limits_changed', 'tenant.suspended', 'tenant.resumed', 'source.created', 'source.connected', 'source.deleted', 'audit.exported', 'access.denied'];
