// Start: language, session, frame, routes.
import { api, loadMessages } from './api.js';
import { forAdmins } from './company.js';
import { goToLogin, leave, remount, startRouter } from './router.js';
import { drawShell } from './shell.js';
import { store } from './store.js';
import { auditView, operatorAuditView } from './views/audit.js';
import { catalogView } from './views/catalog.js';
import { dashboardView } from './views/dashboard.js';
import { loginView } from './views/login.js';
import { metricView } from './views/metric.js';
import { jobsView } from './views/operator/jobs.js';
import { overviewView } from './views/operator/overview.js';
import { tenantView } from './views/operator/tenant.js';
import { tenantsView } from './views/operator/tenants.js';
import { usersView } from './views/operator/users.js';
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

async function start() {
  const session = api.session().catch(() => null);
  await speak(store.lang);
  store.setSession(await session);
  if (store.session) await adoptLanguage();
  const app = /** @type {HTMLElement} */ (document.getElementById('app'));
  const frame = () =>
    drawShell(app, {
      setLanguage: async (lang) => {
        await speak(lang, true);
        remount();
      },
      signOut: async () => {
        await api.logout().catch(() => {});
        forget();
        goToLogin();
      },
      switchTenant: async (id) => {
        store.setSession(await api.switchTenant(id));
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
  startRouter([
    { name: 'login', match: /^\/login$/, open: true, mount: (root, location) => loginView(root, location, adoptLanguage) },
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
