// Adding a source: which kind, then its name and what it will be allowed to read.
import { api } from '../api.js';
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { store } from '../store.js';
import { errorText, failed, skeleton } from '../widgets/faces.js';

/** @typedef {import('../sources-model.js').Sources} Sources */
/** @typedef {{provider: string, type: string, name: string, scopes: string[]}} Provider */

/** The form's state lives as long as the page: there is one form. @type {{busy: boolean, error: import('../api.js').ApiError|null}} */
const form = { busy: false, error: null };

/** What a permission means, in words; the technical name stays visible beside it. @param {string} scope */
function scopeWords(scope) {
  const key = `scope.${scope.split('/').at(-1)}`;
  const words = store.t(key);
  return words === key ? nothing : html`${words}<br>`;
}

/** @param {Provider} provider */
const choice = (provider) => html`
  <li><a class="card choice" href="#/sources?add=${encodeURIComponent(provider.provider)}">
    <span class="source-logo">${icon(provider.type === 'file' ? 'file' : 'chart')}</span>
    <span><strong>${provider.name}</strong><span class="muted">${store.t(`provider.${provider.provider}.about`)}</span></span></a></li>`;

/** Creates the source and leaves for the provider's consent page. @param {SubmitEvent} event @param {Provider} provider @param {Sources} model */
async function connect(event, provider, model) {
  event.preventDefault();
  const name = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('name')).trim() || provider.name;
  form.busy = true;
  form.error = null;
  model.draw();
  try {
    const source = await api.addSource(provider.provider, name);
    const { authorize_url: url } = await api.connect(source.id);
    globalThis.location.assign(url);
  } catch (error) {
    form.error = /** @type {any} */ (error);
    model.load();
  } finally {
    form.busy = false;
    model.draw();
  }
}

/** @param {Provider} provider @param {Sources} model */
function oauthForm(provider, model) {
  const { t } = store;
  return html`
    <form class="card card-body panel" @submit=${(/** @type {SubmitEvent} */ e) => connect(e, provider, model)}>
      <h2>${provider.name}</h2>
      <p>${t(`provider.${provider.provider}.about`)}</p>
      ${form.error ? html`<div class="notice notice-bad" role="alert">${icon('alert')}<p>${errorText(form.error)}</p></div>` : nothing}
      <label class="form-label" for="source-name">${t('add.name')}</label>
      <input class="form-control" id="source-name" name="name" maxlength="80" required autocomplete="off" placeholder=${t('add.name_example')}>
      <h3>${t('add.scopes')}</h3>
      <ul class="scopes">${provider.scopes.map((scope) => html`<li>${icon('check')}<span>${scopeWords(scope)}<code>${scope}</code></span></li>`)}</ul>
      <p class="muted">${t('add.scopes_note')}</p>
      <div class="dialog-buttons"><a class="btn" href="#/sources?add=choose">${t('add.back')}</a>
        <button class="btn btn-primary" type="submit" ?disabled=${form.busy}>${icon('link')}${form.busy ? t('add.leaving') : t('add.continue', { name: provider.name })}</button></div>
    </form>`;
}

/** @param {string} add `choose` or a provider @param {Sources} model */
export function addPanel(add, model) {
  const { providers } = model;
  if (providers.error) return html`<section class="card widget">${failed(providers.error, () => providers.retry())}</section>`;
  if (!providers.data) return skeleton('list');
  /** @type {Provider[]} */
  const all = providers.data.items;
  const chosen = all.find((p) => p.provider === add);
  if (chosen) return oauthForm(chosen, model);
  return html`<p class="page-sub">${store.t('add.lead')}</p><ul class="choices">${all.map(choice)}</ul>`;
}
