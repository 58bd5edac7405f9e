// The sources page: one card each, adding one, deleting one. Which card or panel is open stands in the address.
import { api } from '../api.js';
import { focusOn, openDialogs } from '../dom.js';
import { html, nothing, render } from '../html.js';
import { icon } from '../icons.js';
import { dayInZone } from '../lib/dates.js';
import { change, go } from '../router.js';
import { Sources } from '../sources-model.js';
import { store } from '../store.js';
import { empty, failed, skeleton } from '../widgets/faces.js';
import { sourceCard } from '../widgets/source-card.js';
import { syncHistory } from '../widgets/sync-history.js';
import { addPanel } from './add-source.js';
import { CsvWizard } from './csv-wizard.js';

/** @typedef {import('../widgets/source-card.js').Source} Source */

/** A notice that says more than the source's own line. @param {import('../sources-model.js').Notice|undefined} notice @param {import('../widgets/source-card.js').Source} source */
const news = (notice, source) => (notice?.text === source.status_text ? undefined : notice);

/** @param {import('../sources-model.js').Notice|undefined} notice */
const noticeLine = (notice) => (notice
  ? html`<div class="notice notice-${notice.tone}">${icon(notice.tone === 'bad' ? 'alert' : notice.tone === 'good' ? 'check' : 'info')}<p>${notice.text}</p></div>` : nothing);

/** @param {Source} source @param {() => void} close @param {() => void} confirm */
const deleteDialog = (source, close, confirm) => html`
  <dialog class="dialog" data-open aria-labelledby="delete-title" aria-describedby="delete-text" @close=${close} @cancel=${close}>
    <h2 id="delete-title">${store.t('delete.title', { name: source.name })}</h2>
    <p id="delete-text">${store.t('delete.text')}</p>
    <div class="dialog-buttons">
      <button type="button" class="btn" @click=${close}>${store.t('delete.cancel')}</button>
      <button type="button" class="btn btn-danger" @click=${confirm}>${store.t('delete.confirm')}</button>
    </div>
  </dialog>`;

class SourcesView {
  /** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
  constructor(root, location) {
    this.root = root;
    this.params = location.params;
    this.model = new Sources(() => this.draw());
    /** @type {Source|null} */
    this.deleting = null;
    /** @type {CsvWizard|null} */
    this.wizard = null;
    this.listen = new AbortController();
    store.addEventListener('tick', () => this.draw(), { signal: this.listen.signal });
    this.draw();
    this.start();
  }

  async start() {
    await this.model.load();
    this.follow();
    if (this.params.error && this.params.source) {
      const key = this.params.error === 'access_denied' ? 'source.denied' : 'source.connect_failed';
      this.model.tell(this.params.source, 'bad', store.t(key));
    }
    if (this.params.source) document.querySelector(`[data-source="${CSS.escape(this.params.source)}"]`)?.scrollIntoView({ block: 'nearest' });
  }

  /** Opens what the address asks for. */
  follow() {
    const { source, add, upload } = this.params;
    if ((source ?? null) !== this.model.open) this.model.show(source ?? null);
    if (add && store.isAdmin) this.model.loadProviders();
    const wanted = store.isAdmin && (upload || add === 'csv') ? (upload ?? 'new') : null;
    if (wanted && this.wizard?.wanted !== wanted) {
      this.wizard?.stop();
      const found = this.model.items.find((s) => s.id === upload) ?? null;
      this.wizard = new CsvWizard(wanted, found, () => this.draw(), () => this.model.load());
    } else if (!wanted) {
      this.wizard?.stop();
      this.wizard = null;
    }
    this.draw();
  }

  /** @param {import('../lib/url.js').Location} location */
  update({ params }) {
    const before = this.params;
    this.params = params;
    this.follow();
    if (before.add !== params.add || before.upload !== params.upload) focusOn('h1', this.root);
  }

  /** @type {import('../widgets/source-card.js').SourceActions} */
  actions = {
    connect: async (source) => {
      const answer = await this.model.run(source, 'connect', () => api.connect(source.id));
      if (answer) globalThis.location.assign(answer.authorize_url);
    },
    sync: (source) => this.model.sync(source),
    pause: async (source) => {
      const paused = source.status !== 'paused';
      if (await this.model.run(source, 'pause', () => api.changeSource(source.id, { paused }))) this.model.load();
    },
    choose: async (source, property) => {
      if (await this.model.run(source, 'choose', () => api.changeSource(source.id, { property_id: property }))) this.model.load();
    },
    ask: (source) => {
      this.deleting = source;
      this.draw();
    },
    upload: (source) => go('/sources', { upload: source.id }),
    toggle: (source) => change({ source: this.model.open === source.id ? null : source.id, error: null }, true),
  };

  close = () => {
    const id = this.deleting?.id;
    this.deleting = null;
    this.draw();
    if (id) focusOn(`[data-source="${CSS.escape(id)}"] [data-action="delete"]`, this.root);
  };

  confirm = async () => {
    const source = /** @type {Source} */ (this.deleting);
    this.deleting = null;
    const done = await this.model.run(source, 'delete', async () => {
      await api.deleteSource(source.id);
      return true;
    });
    if (!done) return;
    if (this.params.source === source.id) change({ source: null }, true);
    await this.model.load();
    focusOn('h1', this.root);
  };

  list() {
    const { t } = store;
    const { model } = this;
    if (model.list.error) return html`<section class="card widget">${failed(model.list.error, () => model.load())}</section>`;
    if (!model.list.data) return skeleton('list');
    if (!model.items.length) {
      return html`<section class="card widget">${empty(t('source.none'), store.isAdmin ? t('source.none_admin') : t('source.none_viewer'), nothing, 'plug')}</section>`;
    }
    const today = dayInZone(store.now(), store.session?.tenant?.zone);
    return html`<ul class="source-list">${model.items.map((source) => sourceCard(source, this.actions, {
      open: model.open === source.id, busy: model.busy[source.id] ?? '', today, notice: noticeLine(news(model.notices[source.id], source)),
      history: syncHistory(model.history, () => model.moreRuns(source.id)),
    }))}</ul>`;
  }

  content() {
    const { add } = this.params;
    if (this.wizard) return this.wizard.template();
    if (add && store.isAdmin) return addPanel(add, this.model);
    return this.list();
  }

  draw() {
    const { t } = store;
    const panel = Boolean(this.wizard) || Boolean(this.params.add && store.isAdmin);
    render(html`
      <div class="sheet">
        ${panel ? html`<nav class="crumbs" aria-label=${t('nav.crumbs')}><a href="#/sources">${t('nav.to.sources')}</a></nav>` : nothing}
        <header class="page-head">
          <div><h1 tabindex="-1">${this.wizard ? this.wizard.title() : panel ? t('add.title') : t('nav.to.sources')}</h1>
            ${panel ? nothing : html`<p class="page-sub">${t('source.lead')}</p>`}</div>
          ${store.isAdmin && !panel ? html`<a class="btn btn-primary" href="#/sources?add=choose">${icon('plus')}${t('source.add')}</a>` : nothing}
        </header>
        ${this.content()}
        ${this.deleting ? deleteDialog(this.deleting, this.close, this.confirm) : nothing}
      </div>`, this.root);
    openDialogs(this.root);
  }

  stop() {
    this.listen.abort();
    this.wizard?.stop();
    this.model.stop();
  }
}

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
export function sourcesView(root, location) {
  const view = new SourcesView(root, location);
  return { title: store.t('nav.to.sources'), update: (/** @type {any} */ next) => view.update(next), stop: () => view.stop() };
}
