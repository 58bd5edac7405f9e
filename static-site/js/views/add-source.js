// Adding a source: which kind, then its name and the way in: a consent, an access that is there already, or a key.
import { api } from '../api.js';
import { Form } from '../form.js';
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { go } from '../router.js';
import { store } from '../store.js';
import { field } from '../widgets/dialog.js';
import { failed, formError, skeleton } from '../widgets/faces.js';
import { atKey, keyField, keySteps } from '../widgets/key-fields.js';

/** @typedef {import('../sources-model.js').Sources} Sources */
/** @typedef {{provider: string, type: string, name: string, scopes: string[]}} Provider */
/** @typedef {{id: string, provider: string, label: string, sources: number}} Connection */

/** What a permission means, in words; the technical name stays visible beside it. @param {string} scope */
function scopeWords(scope) {
  const key = `scope.${scope.split('/').at(-1)}`;
  const words = store.t(key);
  return words === key ? nothing : html`${words}<br>`;
}

/** @param {Provider} provider */
const choice = (provider) => html`
  <li><a class="card choice" href="#/sources?add=${encodeURIComponent(provider.provider)}">
    <span class="source-logo">${icon(provider.type === 'file' ? 'file' : provider.type === 'api_key' ? 'key' : 'chart')}</span>
    <span><strong>${provider.name}</strong><span class="muted">${store.t(`provider.${provider.provider}.about`)}</span></span></a></li>`;

export class AddPanel {
  /** The access to use again; none: a new consent. */
  #again = '';
  /** A source that was added and whose key was refused: the next try is for the same one. @type {{id: string, name: string}|null} */
  #made = null;
  #shown = '';

  /** @param {Sources} model */
  constructor(model) {
    this.model = model;
    this.form = new Form(() => model.draw());
  }

  /** The source that is being added; a second try takes the first one's. @param {Provider} provider @param {string} name */
  async #add(provider, name) {
    if (!this.#made) this.#made = await api.addSource({ provider: provider.provider, name });
    else if (this.#made.name !== name) this.#made = await api.changeSource(this.#made.id, { name });
    return /** @type {{id: string}} */ (this.#made).id;
  }

  /** @param {SubmitEvent} event @param {Provider} provider */
  #submit = async (event, provider) => {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const name = String(data.get('name')).trim() || provider.name;
    let id = '';
    const sent = await this.form.send(async () => {
      if (this.#again) id = (await api.addSource({ provider: provider.provider, name, credential_id: this.#again })).id;
      else id = await this.#add(provider, name);
      if (provider.type === 'api_key') await atKey(api.giveKey(id, String(data.get('key')).trim()));
      else if (!this.#again) globalThis.location.assign((await api.connect(id)).authorize_url);
    }, event.target);
    this.model.load();
    if (!sent || (provider.type !== 'api_key' && !this.#again)) return;
    this.#again = '';
    this.#made = null;
    go('/sources', { source: id });
  };

  /** @param {Provider} provider */
  #accesses(provider) {
    const { t } = store;
    const { connections } = this.model;
    if (connections.error) return failed(connections.error, () => connections.retry());
    if (!connections.data) return skeleton('list');
    /** @type {Connection[]} */
    const known = connections.data.items.filter((/** @type {Connection} */ one) => one.provider === provider.provider);
    if (!known.length) return nothing;
    const option = (/** @type {string} */ id, /** @type {string} */ text, /** @type {string} */ more) => html`
      <li class="form-check"><input class="form-check-input" type="radio" name="access" id="access-${id || 'new'}" value=${id} .checked=${this.#again === id} @change=${() => { this.#again = id; this.model.draw(); }}>
        <label class="form-check-label" for="access-${id || 'new'}">${text}<span class="muted">${more}</span></label></li>`;
    return html`
      <fieldset class="form-field"><legend>${t('add.access')}</legend>
        <ul class="accounts">${known.map(({ id, label, sources }) => option(id, t('add.again', { label: label || t('add.no_label') }), t('add.again_sources', { n: sources })))}
          ${option('', t('add.new_access'), t('add.new_access_text', { name: provider.name }))}</ul>
        ${this.form.problem('credential_id') ? html`<p class="field-problem">${this.form.problem('credential_id')}</p>` : nothing}</fieldset>`;
  }

  /** @param {Provider} provider */
  #scopes(provider) {
    const { t } = store;
    if (this.#again) return html`<p class="muted">${t('add.again_note')}</p>`;
    return html`
      <h3>${t('add.scopes')}</h3>
      <ul class="scopes">${provider.scopes.map((scope) => html`<li>${icon('check')}<span>${scopeWords(scope)}<code>${scope}</code></span></li>`)}</ul>
      <p class="muted">${t('add.scopes_note')}</p>`;
  }

  /** @param {Provider} provider */
  #form(provider) {
    const { t } = store;
    const { form } = this;
    const key = provider.type === 'api_key';
    const told = form.error?.errors.length && form.error.errors.every(({ field: name }) => ['key', 'name', 'credential_id'].includes(name));
    const words = form.busy ? t(key || this.#again ? 'dialog.busy' : 'add.leaving') : key ? t('key.check') : this.#again ? t('add.with_access') : t('add.continue', { name: provider.name });
    return html`
      <form class="card card-body panel" novalidate @submit=${(/** @type {SubmitEvent} */ e) => this.#submit(e, provider)}>
        <h2>${provider.name}</h2>
        <p>${t(`provider.${provider.provider}.about`)}</p>
        ${told ? nothing : formError(form.error)}
        ${field({ id: 'source-name', label: t('add.name'), problem: form.problem('name') }, ({ described, invalid }) => html`
          <input class="form-control" id="source-name" name="name" maxlength="80" autocomplete="off" placeholder=${t('add.name_example')} aria-describedby=${described} aria-invalid=${invalid}>`)}
        ${key ? html`<h3>${t('key.how')}</h3><p class="muted">${t('key.about')}</p>${keySteps()}${keyField(form.problem('key'))}` : html`${this.#accesses(provider)}${this.#scopes(provider)}`}
        <div class="dialog-buttons"><a class="btn" href="#/sources?add=choose">${t('add.back')}</a>
          <button class="btn btn-primary" type="submit" ?disabled=${form.closed}>${icon(key ? 'key' : 'link')}${words}</button></div>
      </form>`;
  }

  /** @param {string} add `choose` or a provider */
  template(add) {
    const { providers } = this.model;
    if (providers.error) return html`<section class="card widget">${failed(providers.error, () => providers.retry())}</section>`;
    if (!providers.data) return skeleton('list');
    /** @type {Provider[]} */
    const all = providers.data.items;
    const chosen = all.find((one) => one.provider === add);
    if (this.#shown !== add) {
      [this.#shown, this.#again, this.#made, this.form.error] = [add, '', null, null];
    }
    if (chosen) return this.#form(chosen);
    return html`<p class="page-sub">${store.t('add.lead')}</p><ul class="choices">${all.map(choice)}</ul>`;
  }
}
