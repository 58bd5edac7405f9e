// Hash routes: which view stands for an address, and moving between them.
import { buildHash, parseHash, safeNext } from './lib/url.js';
import { store } from './store.js';
import { render } from './html.js';

/** @typedef {{title: string, update?: (location: import('./lib/url.js').Location) => void, stop: () => void}} View */
/** @typedef {(root: HTMLElement, location: import('./lib/url.js').Location) => View} Mount */
/** @typedef {{match: RegExp, name: string, open?: boolean, area?: 'company'|'operator', mount: Mount}} Route `area`: whose page it is; without one, everyone's */

/** @type {Route[]} */
let routes = [];
/** @type {{route: Route, key: string, view: View, root: HTMLElement}|null} */
let current = null;
let first = true;

export const here = () => parseHash(location.hash);

/** Operators belong to no company and have pages of their own. */
const area = () => (store.session?.role === 'operator' ? 'operator' : 'company');
export const home = () => (area() === 'operator' ? '/operator' : '/dashboard');

/** Goes to an address; `replace` leaves no step in the history. @param {string} path @param {Record<string, string|null|undefined>} [params] @param {boolean} [replace] */
export function go(path, params, replace = false) {
  const hash = buildHash(path, params);
  if (hash === location.hash) return;
  if (replace) {
    history.replaceState(null, '', hash);
    show();
  } else location.hash = hash;
}

/** Changes some parameters of the present address. @param {Record<string, string|null|undefined>} changes @param {boolean} [replace] */
export function change(changes, replace = false) {
  const { path, params } = here();
  go(path, { ...params, ...changes }, replace);
}

/** Sign-in page, remembering where the person was. */
export function goToLogin() {
  const { path, params } = here();
  if (path === '/login') return show();
  const next = buildHash(path, params).slice(1);
  return go('/login', { next: next === '/dashboard' || path === '/' ? null : next }, true);
}

/** The view of the current address, drawn again from nothing (language or tenant changed). */
export function remount() {
  leave();
  show(false);
}

export function leave() {
  if (!current) return;
  current.view.stop();
  render(null, current.root);
  current = null;
}

/** @param {boolean} moved the person went somewhere: the focus goes along */
function settle(moved) {
  const { name } = store.session?.tenant ?? {};
  document.title = [current?.view.title, name, store.t('app.name')].filter(Boolean).join(' · ');
  store.emit('session');
  if (!first && moved) {
    /** @type {HTMLElement|null} */ (document.querySelector('#main h1'))?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
  first = false;
}

/** Draws what the address asks for. @param {boolean} [moved] @returns {void} */
export function show(moved = true) {
  const location = here();
  if (store.session && location.path === '/login') return go(safeNext(location.params.next).split('?')[0], parseHash(safeNext(location.params.next)).params, true);
  const route = routes.find((r) => r.match.test(location.path));
  if (!route) return go(home(), {}, true);
  if (!store.session && !route.open) return goToLogin();
  if (store.session && route.area && route.area !== area()) return go(home(), {}, true);
  const key = `${route.name} ${location.path}`;
  if (current?.key === key && current.view.update) return current.view.update(location);
  leave();
  const root = /** @type {HTMLElement} */ (document.getElementById('view'));
  const view = route.mount(root, location);
  current = { route, key, view, root };
  return settle(moved);
}

/** The name of the route shown, for the marked entry of the navigation. */
export const routeName = () => routes.find((r) => r.match.test(here().path))?.name ?? '';

/** @param {Route[]} all */
export function startRouter(all) {
  routes = all;
  window.addEventListener('hashchange', () => show());
  show();
}
