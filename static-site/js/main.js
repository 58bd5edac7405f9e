// Start: language, session, frame, routes.
import { api, loadMessages } from './api.js';
import { goToLogin, leave, remount, startRouter } from './router.js';
import { drawShell } from './shell.js';
import { store } from './store.js';
import { catalogView } from './views/catalog.js';
import { dashboardView } from './views/dashboard.js';
import { loginView } from './views/login.js';
import { metricView } from './views/metric.js';
import { sourcesView } from './views/sources.js';

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
    { name: 'dashboard', match: /^\/dashboard$/, mount: dashboardView },
    { name: 'sources', match: /^\/sources$/, mount: sourcesView },
    { name: 'catalog', match: /^\/catalog$/, mount: catalogView },
    { name: 'catalog', match: /^\/catalog\/.+$/, mount: metricView },
  ]);
  setInterval(() => store.emit('tick'), TICK_MS);
}

// A page that the browser kept alive could show figures after sign-out: ask the server again.
window.addEventListener('pageshow', (event) => event.persisted && location.reload());

start();
