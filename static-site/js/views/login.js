// Sign-in with e-mail and password.
import { api } from '../api.js';
import { html, nothing, render } from '../html.js';
import { icon } from '../icons.js';
import { safeNext } from '../lib/url.js';
import { store } from '../store.js';

/** @param {import('../api.js').ApiError} error */
function words(error) {
  if (error.code === 'network') return store.t('error.network');
  // One sentence for every cause of a refusal, so that it tells nobody which addresses exist.
  if (error.status === 401) return store.t('login.refused');
  return error.message || store.t('error.unknown');
}

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location @param {() => Promise<void>} adoptLanguage */
export function loginView(root, location, adoptLanguage) {
  /** @type {import('../api.js').ApiError|null} */
  let error = null;
  let busy = false;
  let live = true;

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    if (busy) return;
    const form = /** @type {HTMLFormElement} */ (event.target);
    const data = new FormData(form);
    busy = true;
    error = null;
    draw();
    try {
      const session = await api.login(String(data.get('email')).trim(), String(data.get('password')));
      form.reset();
      store.setSession(session);
      await adoptLanguage();
      globalThis.location.replace(`#${safeNext(location.params.next)}`);
    } catch (problem) {
      error = /** @type {any} */ (problem);
      busy = false;
      draw();
      /** @type {HTMLInputElement} */ (form.elements.namedItem('password')).select();
    }
  }

  function draw() {
    if (!live) return;
    const { t } = store;
    render(html`
      <div class="login">
        <h1 tabindex="-1">${t('login.title')}</h1>
        <p class="text-secondary">${location.params.next ? t('login.continue') : t('login.lead')}</p>
        <form class="card card-body login-card" @submit=${submit} novalidate>
          ${error ? html`<div class="notice notice-bad" role="alert" id="login-error">${icon('alert')}<p>${words(error)}</p></div>` : nothing}
          <label class="form-label" for="email">${t('login.email')}</label>
          <input class="form-control" id="email" name="email" type="email" autocomplete="username" inputmode="email" autocapitalize="none"
            spellcheck="false" required aria-describedby=${error ? 'login-error' : nothing} aria-invalid=${error ? 'true' : nothing}>
          <label class="form-label" for="password">${t('login.password')}</label>
          <input class="form-control" id="password" name="password" type="password" autocomplete="current-password" required
            aria-describedby=${error ? 'login-error' : nothing} aria-invalid=${error ? 'true' : nothing}>
          <button class="btn btn-primary w-100" type="submit" ?disabled=${busy}>${busy ? t('login.busy') : t('login.submit')}</button>
        </form>
        <p class="text-secondary login-note">${t('login.note')}</p>
      </div>`, root);
  }
  draw();
  const onLang = () => draw();
  store.addEventListener('lang', onLang);
  return {
    title: store.t('login.title'),
    stop: () => {
      live = false;
      store.removeEventListener('lang', onLang);
    },
  };
}
