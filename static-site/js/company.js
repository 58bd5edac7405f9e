// The part of the site that belongs to a company's administrators: its tabs, and who may see it.
import { html, nothing, render } from './html.js';
import { icon } from './icons.js';
import { store } from './store.js';
import { empty } from './widgets/faces.js';

const TABS = /** @type {const} */ (['team', 'settings', 'audit']);

/** @param {typeof TABS[number]} here */
export const tabs = (here) => html`
  <nav class="tabs" aria-label=${store.t('company.tabs')}>
    ${TABS.map((name) => html`<a href="#/${name}" aria-current=${name === here ? 'page' : 'false'}>${store.t(`company.${name}`)}</a>`)}
  </nav>`;

/** The head of a page: title, a sentence, its main act. @param {string} title @param {unknown} lead @param {unknown} [action] */
export const head = (title, lead, action = nothing) => html`
  <header class="page-head"><div><h1 tabindex="-1">${title}</h1><p class="page-sub">${lead}</p></div>${action}</header>`;

/** Shows the page to administrators; others who follow a link learn whose it is. @param {typeof TABS[number]} name @param {import('./router.js').Mount} mount @returns {import('./router.js').Mount} */
export const forAdmins = (name, mount) => (root, location) => {
  if (store.isAdmin) return mount(root, location);
  const title = store.t(`company.${name}`);
  render(html`<div class="sheet">${head(title, nothing)}
    <section class="card widget">${empty(store.t('company.denied'), store.t('company.denied_text'),
      html`<a class="btn btn-primary" href="#/dashboard">${icon('chart')}${store.t('company.denied_go')}</a>`, 'lock')}</section></div>`, root);
  return { title, update: () => {}, stop: () => {} };
};
