// The frame around every view: product, company, navigation, language, theme, account.
import { html, nothing, render } from './html.js';
import { icon } from './icons.js';
import { LANGUAGES } from './lib/i18n.js';
import { home, routeName } from './router.js';
import { store } from './store.js';

/** @typedef {{setLanguage: (lang: string) => void, signOut: () => void, switchTenant: (id: string) => void}} Actions */

const THEMES = ['light', 'dark', 'system'];
/** Name, icon and, where several pages stand behind one entry, their names. @typedef {[string, Parameters<typeof icon>[0], string[]?]} Entry */
/** @type {Entry[]} */
const COMPANY = [['dashboard', 'chart'], ['sources', 'plug'], ['catalog', 'book']];
/** @type {Entry} */
const ADMIN = ['team', 'building', ['team', 'settings', 'audit']];
/** @type {Entry[]} */
const OPERATOR = [['operator', 'chart'], ['operator/tenants', 'building'], ['operator/users', 'user'], ['operator/jobs', 'stack'], ['operator/audit', 'shield']];

const entries = () => (store.session?.role === 'operator' ? OPERATOR : store.isAdmin ? [...COMPANY, ADMIN] : COMPANY);

/** Skips to the content; a plain `#main` link would be taken for a route. @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

const navigation = () => html`
  <nav class="topnav topnav-${entries().length}" aria-label=${store.t('nav.label')}>
    ${entries().map(([name, image, pages = [name]]) => html`
      <a href="#/${name}" aria-current=${pages.includes(routeName()) ? 'page' : 'false'}>${icon(image)}<span>${store.t(`nav.to.${name.replace('/', '.')}`)}</span></a>`)}
  </nav>`;

/** Closes an open menu once something was chosen in it. @param {Event} event */
const closeMenu = (event) => /** @type {HTMLElement} */ (event.target).closest('details')?.removeAttribute('open');

/** @param {Actions} actions */
const languages = (actions) => html`
  <div class="segmented" role="group" aria-label=${store.t('menu.language')}>
    ${LANGUAGES.map((lang) => html`
      <button type="button" lang=${lang} aria-pressed=${String(store.lang === lang)} @click=${() => actions.setLanguage(lang)}
        aria-label=${store.t(`language.${lang}`)}>${lang.toUpperCase()}</button>`)}
  </div>`;

const themes = () => html`
  <fieldset class="menu-group">
    <legend>${store.t('menu.theme')}</legend>
    ${THEMES.map((theme) => html`
      <label class="menu-choice"><input type="radio" name="theme" .checked=${store.theme === theme} @change=${() => store.setTheme(theme)}>
        ${store.t(`theme.${theme}`)}</label>`)}
  </fieldset>`;

/** @param {Actions} actions */
function tenants(actions) {
  const all = store.session?.tenants ?? [];
  if (all.length < 2) return nothing;
  return html`
    <fieldset class="menu-group">
      <legend>${store.t('menu.company')}</legend>
      ${all.map((tenant) => html`
        <label class="menu-choice"><input type="radio" name="tenant" .checked=${tenant.id === store.session?.tenant?.id}
          @change=${() => actions.switchTenant(tenant.id)}> ${tenant.name}</label>`)}
    </fieldset>`;
}

/** @param {Actions} actions */
const accountMenu = (actions) => html`
  <details class="menu" @keydown=${(/** @type {KeyboardEvent} */ e) => e.key === 'Escape' && (closeMenu(e), /** @type {HTMLElement} */ (e.currentTarget).querySelector('summary')?.focus())}>
    <summary aria-label=${store.t('menu.account')}>${icon(store.session ? 'user' : 'theme')}${store.session ? icon('chevron') : nothing}</summary>
    <div class="menu-panel">
      ${store.session
        ? html`<p class="menu-who"><strong>${store.session.user.name || store.session.user.email}</strong><br>
            <span>${store.session.user.email}</span><br><span>${store.t(`role.${store.session.role}`)}</span></p>`
        : nothing}
      ${store.session && !store.session.must_enroll_mfa
        ? html`<a class="menu-link" href="#/account" @click=${closeMenu} aria-current=${routeName() === 'account' ? 'page' : 'false'}>${icon('key')}${store.t('menu.to_account')}</a>`
        : nothing}
      ${tenants(actions)}
      ${themes()}
      ${store.session
        ? html`<button type="button" class="btn w-100" @click=${actions.signOut}>${store.t('menu.sign_out')}</button>`
        : nothing}
    </div>
  </details>`;

/** @param {HTMLElement} app @param {Actions} actions */
export function drawShell(app, actions) {
  const { session } = store;
  render(html`
    <a class="skip-link" href="#main" @click=${skip}>${store.t('nav.skip')}</a>
    <header class="topbar">
      <div class="topbar-in">
        <a class="brand" href="#${home()}"><img src="favicon.svg" alt="" width="28" height="28">
          <span class="brand-name">${session?.tenant?.name ?? store.t('app.name')}</span></a>
        ${session && !session.must_enroll_mfa ? navigation() : nothing}
        <div class="topbar-end">${languages(actions)}${accountMenu(actions)}</div>
      </div>
    </header>
    <main id="main" tabindex="-1"><div id="view"></div></main>
    <footer class="foot">${store.t('app.footer')}</footer>`, app);
}

// A menu closes when the person clicks or tabs elsewhere.
for (const event of ['click', 'focusin']) {
  document.addEventListener(event, (e) => {
    for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(/** @type {Node} */ (e.target))) menu.removeAttribute('open');
  });
}
