// The part of the fake that knows who somebody is: sign-in, second step, mailed links, the own account. Shapes as in docs/api.md.
import { createHmac, randomBytes, randomUUID } from 'node:crypto';

const FRESH_MS = 5 * 60_000;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const iso = (ms = Date.now()) => new Date(ms).toISOString();
const seal = (token, age = '') => ({ 'Set-Cookie': `__Host-session=${token}; HttpOnly; Secure; SameSite=Lax; Path=/${age}` });

/** The code of a secret (RFC 6238: SHA-1, 30 s, six digits); `steps` moves it forward. Also what the tests hold as the person's phone. */
export function totp(secret, steps = 0) {
  const bits = [...secret.replace(/\s/g, '')].map((c) => BASE32.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const digest = createHmac('sha1', key).update(counter).digest();
  return String((digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

const newSecret = () => [...randomBytes(32)].map((byte) => BASE32[byte % 32]).join('');
const newCodes = () => Array.from({ length: 10 }, () => [...randomBytes(16)].map((byte) => BASE32[byte % 32]).join('').match(/.{4}/g).join('-'));

/** Looks like a QR code of version 4; no reader is asked to read it. */
function qr() {
  const size = 33;
  const eye = (x, y) => `M${x} ${y}h7v7h-7zm1 1v5h5v-5zm1 1h3v3h-3z`;
  const bits = randomBytes(size * size);
  let path = eye(0, 0) + eye(size - 7, 0) + eye(0, size - 7);
  for (let y = 0; y < size; y += 1) for (let x = 0; x < size; x += 1) if (bits[y * size + x] & 1 && !((x < 8 && (y < 8 || y > 24)) || (x > 24 && y < 8))) path += `M${x} ${y}h1v1h-1z`;
  return { size, path };
}

/** People and links that only tests of identity need. @param {any} state @param {string} password */
export function addPeople(state, password) {
  const { acme } = state.tenants;
  const strict = { ...acme, id: randomUUID(), name: 'Norte Seguros', require_mfa: true };
  const secret = newSecret();
  state.accounts.push({ email: 'mfa@acme.example', role: 'viewer', tenant: acme, mfa: { secret, since: iso(Date.now() - 9e8), codes: newCodes() } });
  state.accounts.push({ email: 'new@strict.example', role: 'viewer', tenant: strict });
  for (const account of state.accounts) Object.assign(account, { password, name: account.email.split('@')[0], locale: 'es', changed: iso(Date.now() - 4e9), mfa: account.mfa ?? null });
  state.identity = { seen: new Map(), tickets: new Map(), failures: new Map(), links: new Map([
    ['reset-1', { kind: 'reset', email: 'viewer@acme.example' }],
    ['invite-new', { kind: 'invitation', email: 'nueva@acme.example', role: 'viewer', tenant: acme }],
    ['invite-known', { kind: 'invitation', email: 'admin@globex.example', role: 'admin', tenant: acme }],
  ]) };
}

export const mustEnroll = (account) => Boolean(account.tenant?.require_mfa && !account.mfa);

class Identity {
  constructor(state, request, url, json, Problem, sessionBody) {
    Object.assign(this, { state, request, url, json, Problem, sessionBody });
    this.token = /__Host-session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
    this.account = state.sessions.get(this.token);
  }

  refuse(status, code, detail, more) {
    throw new this.Problem(status, code, detail, more);
  }

  wrong(field, code, detail) {
    this.refuse(422, 'invalid', 'Revise los campos marcados.', { errors: [{ field, code, detail }] });
  }

  /** A new session for the account; the one of this request, if any, is replaced. */
  open(account, renewed = false) {
    if (renewed) this.drop(this.token);
    const token = randomUUID();
    this.state.sessions.set(token, account);
    this.state.identity.seen.set(token, { id: randomUUID(), created_at: iso(), confirmed: Date.now(), ip: this.request.socket.remoteAddress, user_agent: this.request.headers['user-agent'] ?? null });
    return [token, this.sessionBody(account, token)];
  }

  drop(token) {
    this.state.sessions.delete(token);
    this.state.identity.seen.delete(token);
  }

  /** Tokens of an account. */
  tokens(account) {
    return [...this.state.sessions].filter(([, one]) => one === account).map(([token]) => token);
  }

  checkNew(field, password, account, context) {
    const length = [...(password ?? '').normalize('NFC')].length;
    const least = account?.mfa ? 12 : 15;
    if (length < least) this.wrong(field, 'too_short', `Use al menos ${least} caracteres.`);
    if (length > 1000) this.wrong(field, 'too_long', 'Use 1.000 caracteres como mucho.');
    if (/^password/i.test(password)) this.wrong(field, 'common', 'Está en la lista de contraseñas conocidas. Elija otra.');
    if (context.some((word) => word.length > 3 && password.toLowerCase().startsWith(word.toLowerCase()))) this.wrong(field, 'context', 'Se parece demasiado a su nombre o al de la empresa.');
  }

  /** A code of the app, or a recovery code, which it uses up. */
  takeCode({ mfa }, code) {
    if ([-1, 0, 1].some((step) => totp(mfa.secret, step) === code)) return true;
    const at = mfa.codes.indexOf(code);
    if (at >= 0) mfa.codes.splice(at, 1);
    return at >= 0;
  }

  confirm(account, { password, code }) {
    if (password !== account.password) this.wrong('password', 'wrong_password', 'La contraseña no es correcta.');
    if (!account.mfa) return;
    if (!code) this.wrong('code', 'required', 'Escriba también el código.');
    if (!this.takeCode(account, code)) this.wrong('code', 'bad_code', 'El código no es válido.');
  }

  sensitive() {
    if (Date.now() - this.state.identity.seen.get(this.token).confirmed > FRESH_MS) this.refuse(403, 'reauth_required', 'Confirme su contraseña para continuar.');
  }

  link(kind) {
    const link = this.state.identity.links.get(this.json.token);
    return link?.kind === kind ? link : this.refuse(400, 'bad_token', 'El enlace ya no sirve.');
  }

  routes = {
    'POST /auth/login': () => {
      const { email, password } = this.json;
      const { failures, tickets } = this.state.identity;
      const found = this.state.accounts.find((one) => one.email === email);
      const failed = failures.get(email) ?? 0;
      if (failed >= 8) this.refuse(429, 'throttled', 'Demasiados intentos.', { retry_after: 30 });
      if (!found || password !== found.password) {
        failures.set(email, failed + 1);
        this.refuse(401, 'bad_credentials', 'El correo o la contraseña no son correctos.');
      }
      if (found.mfa) {
        const ticket = randomUUID();
        tickets.set(ticket, found);
        return { mfa_required: true, ticket };
      }
      const [token, body] = this.open(found);
      return [200, body, seal(token)];
    },
    'POST /auth/mfa': () => {
      const { tickets } = this.state.identity;
      const account = tickets.get(this.json.ticket) ?? this.refuse(401, 'bad_ticket', 'Vuelva a entrar.');
      if (!this.takeCode(account, this.json.code)) this.refuse(401, 'bad_code', 'El código no es válido.');
      tickets.delete(this.json.ticket);
      const [token, body] = this.open(account);
      return [200, body, seal(token)];
    },
    'POST /auth/password/forgot': () => [202, {}],
    'POST /auth/password/reset': () => {
      const { email } = this.link('reset');
      const account = this.state.accounts.find((one) => one.email === email);
      this.checkNew('password', this.json.password, account, []);
      account.password = this.json.password;
      this.state.identity.links.delete(this.json.token);
      for (const token of this.tokens(account)) this.drop(token);
      return [204, null];
    },
    'POST /invitations/look': () => {
      const { tenant, email, role } = this.link('invitation');
      return { tenant_name: tenant.name, email, role, invited_by: role === 'admin' ? null : 'Ada Marín', has_account: this.state.accounts.some((one) => one.email === email), expires_at: iso(Date.now() + 6 * 864e5) };
    },
    'POST /invitations/accept': () => {
      const { tenant, email, role } = this.link('invitation');
      const { name, password } = this.json;
      if (!this.state.accounts.some((one) => one.email === email)) {
        if (!name) this.wrong('name', 'required', 'Escriba su nombre.');
        this.checkNew('password', password, null, [tenant.name.split(' ')[0], email]);
        this.state.accounts.push({ email, role, tenant, name, password, locale: 'es', changed: iso(), mfa: null });
      }
      this.state.identity.links.delete(this.json.token);
      return [201, { email, tenant_name: tenant.name }];
    },
    'GET /auth/session': () => this.sessionBody(this.account, this.token),
    'POST /auth/logout': () => {
      this.drop(this.token);
      return [204, null, seal('', '; Max-Age=0')];
    },
    'POST /auth/reauthenticate': () => {
      this.confirm(this.account, this.json);
      const [token, body] = this.open(this.account, true);
      return [200, body, seal(token)];
    },
    'POST /auth/password/change': () => {
      const { account } = this;
      const { current, new: fresh } = this.json;
      if (current !== account.password) this.wrong('current', 'wrong_password', 'La contraseña actual no es correcta.');
      this.checkNew('new', fresh, account, [account.name, account.tenant?.name ?? '']);
      Object.assign(account, { password: fresh, changed: iso() });
      for (const token of this.tokens(account)) if (token !== this.token) this.drop(token);
      const [token, body] = this.open(account, true);
      return [200, body, seal(token)];
    },
    'GET /account': () => this.view(),
    'PATCH /account': () => {
      if (this.json.name === '') this.wrong('name', 'required', 'Escriba su nombre.');
      Object.assign(this.account, this.json);
      return this.view();
    },
    'GET /account/sessions': () => ({
      items: this.tokens(this.account).map((token) => {
        const { confirmed, ...seen } = this.state.identity.seen.get(token);
        return { ...seen, current: token === this.token, last_used_at: token === this.token ? iso() : iso(confirmed), expires_at: iso(Date.now() + 4e7) };
      }),
      next_cursor: null,
    }),
    'DELETE /account/sessions': () => {
      const keep = this.url.searchParams.get('keep_current') === 'true';
      for (const token of this.tokens(this.account)) if (!keep || token !== this.token) this.drop(token);
      return [204, null];
    },
    'POST /account/totp/start': () => {
      if (this.account.mfa) this.refuse(409, 'mfa_already_on', 'Ya está activada.');
      this.sensitive();
      this.account.pending = newSecret();
      return { secret: this.account.pending, otpauth_url: `otpauth://totp/Portal:${encodeURIComponent(this.account.email)}?secret=${this.account.pending}&issuer=Portal`, qr: qr() };
    },
    'POST /account/totp/confirm': () => {
      const { account } = this;
      if (!account.pending) this.refuse(409, 'no_enrollment', 'Empiece de nuevo.');
      if (![-1, 0, 1].some((step) => totp(account.pending, step) === this.json.code)) this.wrong('code', 'bad_code', 'El código no es válido. Compruebe la hora del teléfono.');
      account.mfa = { secret: account.pending, since: iso(), codes: newCodes() };
      account.pending = null;
      for (const token of this.tokens(account)) if (token !== this.token) this.drop(token);
      const [token, session] = this.open(account, true);
      return [200, { recovery_codes: account.mfa.codes, session }, seal(token)];
    },
    'POST /account/totp/recovery': () => {
      this.confirm(this.account, this.json);
      this.account.mfa.codes = newCodes();
      return { recovery_codes: this.account.mfa.codes };
    },
    'POST /account/totp/disable': () => {
      if (this.account.tenant?.require_mfa) this.refuse(409, 'mfa_enforced', 'Su empresa la exige.');
      this.confirm(this.account, this.json);
      this.account.mfa = null;
      return [204, null];
    },
  };

  view() {
    const { email, name, locale, changed, mfa, tenant } = this.account;
    return { user: { id: email, email, name, locale }, password_changed_at: changed, mfa: { enabled: Boolean(mfa), since: mfa?.since ?? null, recovery_codes_left: mfa?.codes.length ?? 0, enforced: Boolean(tenant?.require_mfa) } };
  }

  endSession(id) {
    const token = this.tokens(this.account).find((one) => this.state.identity.seen.get(one).id === id) ?? this.refuse(404, 'not_found', 'No existe.');
    this.drop(token);
    return [204, null];
  }
}

const OPEN = ['/auth/login', '/auth/mfa', '/auth/password/forgot', '/auth/password/reset', '/invitations/look', '/invitations/accept'];
const UNENROLLED = ['/auth/session', '/auth/logout', '/auth/tenant', '/auth/reauthenticate', '/account/totp/start', '/account/totp/confirm'];

/** Answers a route of identity; undefined for any other, once it is clear that the person may go on. */
export function identity(state, request, url, body, Problem, sessionBody) {
  const path = url.pathname.slice('/api'.length);
  const mine = new Identity(state, request, url, body.json ?? {}, Problem, sessionBody);
  if (!OPEN.includes(path)) {
    if (!mine.account) mine.refuse(401, 'unauthenticated', 'Inicie sesión.');
    if (request.method !== 'GET' && request.headers['x-csrf-token'] !== mine.token) mine.refuse(403, 'csrf', 'Falta el testigo.');
    if (mustEnroll(mine.account) && !UNENROLLED.includes(path)) mine.refuse(403, 'mfa_enrollment_required', 'Active la verificación en dos pasos.');
  }
  if (request.method === 'DELETE' && path.startsWith('/account/sessions/')) return mine.endSession(path.split('/').pop());
  return mine.routes[`${request.method} ${path}`]?.();
}
