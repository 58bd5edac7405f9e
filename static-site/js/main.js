// Start: language, session, frame, routes.
import { api, loadMessages, onReauthRequired } from './api.js';
import { forAdmins } from './company.js';
import { confirmIdentity } from './reauth.js';
import { go, goToLogin, leave, relabel, remount, show, startRouter } from './router.js';
import { drawShell } from './shell.js';
import { store } from './store.js';
import { liftToken } from './token.js';
import { accountView } from './views/account.js';
import { auditView, operatorAuditView } from './views/audit.js';
import { catalogView } from './views/catalog.js';
import { dashboardView } from './views/dashboard.js';
import { enrollView } from './views/enroll.js';
import { forgotView } from './views/forgot.js';
import { invitationView } from './views/invitation.js';
import { loginView } from './views/login.js';
import { metricView } from './views/metric.js';
import { jobsView } from './views/operator/jobs.js';
import { overviewView } from './views/operator/overview.js';
import { tenantView } from './views/operator/tenant.js';
import { tenantsView } from './views/operator/tenants.js';
import { usersView } from './views/operator/users.js';
import { resetView } from './views/reset.js';
import { settingsView } from './views/settings.js';
import { sourcesView } from './views/sources.js';
import { teamView } from './views/team.js';

const TICK_MS = 30_000;

/** @param {string} lang @param {boolean} [chosen] */
async function speak(lang, chosen = false) {
  store.setLanguage(lang, await loadMessages(lang), chosen);
}

/** Someone signed in (or the page was opened signed in): the account's language, unless this browser has its own. */
async function adoptLanguage() {
  const wish = store.preferredLanguage();
  if (wish !== store.lang) await speak(wish);
}

/** Forgets everything that belongs to the account. */
function forget() {
  leave();
  store.setSession(null);
}

/** The session is over and known to be: a plain sign-in page, not one that leads back here. */
function signedOut() {
  forget();
  go('/login', {}, true);
}

async function signOut() {
  await api.logout().catch(() => {});
  signedOut();
}

async function start() {
  liftToken();
  onReauthRequired(confirmIdentity);
  const session = api.session().catch(() => null);
  await speak(store.lang);
  store.setSession(await session);
  if (store.session) await adoptLanguage();
  const app = /** @type {HTMLElement} */ (document.getElementById('app'));
  const frame = () =>
    drawShell(app, {
      setLanguage: async (lang) => {
        await speak(lang, true);
        relabel();
      },
      signOut,
      switchTenant: async (id) => {
        await api.switchTenant(id);
        remount();
      },
    });
  frame();
  for (const event of ['session', 'lang', 'theme']) store.addEventListener(event, frame);
  store.addEventListener('signed-out', () => {
    if (!store.session) return;
    forget();
    goToLogin();
  });
  store.addEventListener('must-enroll', () => show());
  const relabelled = () => adoptLanguage().then(relabel);
  startRouter([
    { name: 'login', match: /^\/login$/, open: true, mount: (root, location) => loginView(root, location, adoptLanguage) },
    { name: 'forgot', match: /^\/forgot$/, open: true, mount: forgotView },
    { name: 'reset', match: /^\/reset$/, open: true, mount: resetView },
    { name: 'invitation', match: /^\/invitation$/, open: true, mount: (root) => invitationView(root, signOut) },
    { name: 'enroll', match: /^\/enroll$/, mount: (root, location) => enrollView(root, location, signOut) },
    { name: 'account', match: /^\/account$/, mount: (root) => accountView(root, { adoptLanguage: relabelled, signedOut }) },
    { name: 'dashboard', area: 'company', match: /^\/dashboard$/, mount: dashboardView },
    { name: 'sources', area: 'company', match: /^\/sources$/, mount: sourcesView },
    { name: 'catalog', area: 'company', match: /^\/catalog$/, mount: catalogView },
    { name: 'catalog', area: 'company', match: /^\/catalog\/.+$/, mount: metricView },
    { name: 'team', area: 'company', match: /^\/team$/, mount: forAdmins('team', teamView) },
    { name: 'settings', area: 'company', match: /^\/settings$/, mount: forAdmins('settings', settingsView) },
    { name: 'audit', area: 'company', match: /^\/audit$/, mount: forAdmins('audit', auditView) },
    { name: 'operator', area: 'operator', match: /^\/operator$/, mount: overviewView },
    { name: 'operator/tenants', area: 'operator', match: /^\/operator\/tenants$/, mount: tenantsView },
    { name: 'operator/tenants', area: 'operator', match: /^\/operator\/tenants\/[^/]+$/, mount: tenantView },
    { name: 'operator/users', area: 'operator', match: /^\/operator\/users$/, mount: usersView },
    { name: 'operator/jobs', area: 'operator', match: /^\/operator\/jobs$/, mount: jobsView },
    { name: 'operator/audit', area: 'operator', match: /^\/operator\/audit$/, mount: operatorAuditView },
  ]);
  setInterval(() => store.emit('tick'), TICK_MS);
}

// A page that the browser kept alive could show figures after sign-out: ask the server again.
window.addEventListener('pageshow', (event) => event.persisted && location.reload());

start();
