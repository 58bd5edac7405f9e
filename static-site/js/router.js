// Hash routes: which view stands for an address, and moving between them.
import { buildHash, parseHash, safeNext } from './lib/url.js';
import { store } from './store.js';
import { liftToken } from './token.js';
import { render } from './html.js';

/** @typedef {{title: string, update?: (location: import('./lib/url.js').Location) => void, draw?: () => void, stop: () => void}} View */
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

/** The present address, for coming back to it; nothing where it is the first page anyway. */
function wish() {
  const { path, params } = here();
  const next = buildHash(path, params).slice(1);
  return next === '/dashboard' || path === '/' ? null : next;
}

/** Where the person wanted to be before something stood in the way. @param {string|undefined} next */
function onward(next) {
  const { path, params } = parseHash(safeNext(next));
  return go(path, params, true);
}

/** Sign-in page, remembering where the person was. */
export function goToLogin() {
  return here().path === '/login' ? show() : go('/login', { next: wish() }, true);
}

/** The view of the current address, drawn again from nothing (language or tenant changed). */
export function remount() {
  leave();
  show(false);
}

/** The same view in another language. One that can draw itself again keeps what was typed and what is shown only once. */
export function relabel() {
  if (!current?.view.draw) return remount();
  current.view.draw();
  return settle(false);
}

export function leave() {
  if (!current) return;
  current.view.stop();
  render(null, current.root);
  current = null;
}

/** The view's title in the window's; a view whose title comes with its data calls this then. */
export function retitle() {
  const { name } = store.session?.tenant ?? {};
  document.title = [current?.view.title, name, store.t('app.name')].filter(Boolean).join(' · ');
}

/** @param {boolean} moved the person went somewhere: the focus goes along */
function settle(moved) {
  retitle();
  store.emit('session');
  if (!first && moved) {
    /** @type {HTMLElement|null} */ (document.querySelector('#main h1'))?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
  first = false;
}

/** Draws what the address asks for. @param {boolean} [moved] @returns {void} */
export function show(moved = true) {
  liftToken();
  const location = here();
  if (store.session && location.path === '/login') return onward(location.params.next);
  const route = routes.find((r) => r.match.test(location.path));
  if (!route) return go(home(), {}, true);
  if (!store.session && !route.open) return goToLogin();
  // Until the second step is set up the server answers nothing else, so there is no other page.
  if (store.session?.must_enroll_mfa && !route.open && route.name !== 'enroll') return go('/enroll', { next: wish() }, true);
  if (!store.session?.must_enroll_mfa && route.name === 'enroll') return onward(location.params.next);
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
