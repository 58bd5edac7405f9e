// The sources: a list of cards, one source's page, adding one. Which of them is shown stands in the address.
import { api } from '../api.js';
import { focusOn } from '../dom.js';
import { Form } from '../form.js';
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { Page } from '../page.js';
import { change, go } from '../router.js';
import { Sources } from '../sources-model.js';
import { store } from '../store.js';
import { empty, failed, skeleton } from '../widgets/faces.js';
import { noticeLine } from '../widgets/notice.js';
import { sourceCard } from '../widgets/source-card.js';
import { AddPanel } from './add-source.js';
import { CsvWizard } from './csv-wizard.js';
import { deleteDialog, keyDialog, pauseDialog } from './source-dialogs.js';
import { sourcePage } from './source-page.js';

/** @typedef {import('../lib/sources.js').Source} Source */

class SourcesPage extends Page {
  model = new Sources(() => this.draw());
  form = new Form(() => this.draw());
  choosing = { query: '', chosen: '', open: false };
  /** @type {CsvWizard|null} */
  wizard = null;
  adding = new AddPanel(this.model);

  /** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
  constructor(root, location) {
    super(root, location, store.t('nav.to.sources'));
    this.start();
  }

  async start() {
    this.follow({});
    await this.model.load();
    this.follow(this.params);
    const { source, error } = this.params;
    if (error && source) this.model.tell(source, 'bad', store.t(error === 'access_denied' ? 'source.denied' : 'source.connect_failed'));
  }

  /** The source whose page this is. @returns {Source|undefined} */
  get source() {
    return this.model.items.find(({ id }) => id === this.params.source);
  }

  /** Opens what the address asks for. @param {Record<string, string>} before */
  follow(before) {
    const { source, add, upload } = this.params;
    this.model.show(source ?? null);
    if (add && store.isAdmin) this.model.loadProviders();
    const wanted = store.isAdmin && (upload || add === 'csv') ? (upload ?? 'new') : null;
    if (wanted && this.wizard?.wanted !== wanted) {
      this.wizard?.stop();
      const found = this.model.items.find((one) => one.id === upload) ?? null;
      this.wizard = new CsvWizard(wanted, found, () => this.draw(), () => this.model.load());
    } else if (!wanted) {
      this.wizard?.stop();
      this.wizard = null;
    }
    if (before.source !== source) {
      this.form.error = null;
      this.choosing = { query: '', chosen: '', open: false };
    }
    this.draw();
    if (['add', 'upload', 'source'].some((name) => before[name] !== this.params[name]) && before !== this.params && this.model.list.data) {
      focusOn('h1', this.root);
      window.scrollTo(0, 0);
    }
  }

  /** @param {Source} source */
  sourceNotice(source) {
    const notice = this.model.notices[source.id] ?? null;
    // A notice that says no more than the source's own line is none.
    return noticeLine(notice?.text === source.status_text ? null : notice);
  }

  /** @param {Source} source */
  standing = (source) => ({ busy: this.model.busy[source.id] ?? '', wait: this.model.wait(source.id), notice: this.sourceNotice(source) });

  reload = () => this.model.load();

  /** @param {Source} source @param {string} name */
  act = (source, name) => {
    if (name === 'sync') return this.model.sync(source);
    if (name === 'upload') return go('/sources', { upload: source.id });
    if (name === 'pause') return this.ask(pauseDialog(source, this.reload));
    if (name === 'resume') return this.model.run(source, name, () => api.changeSource(source.id, { paused: false })).then(this.reload);
    if (name === 'choose') {
      this.choosing = { query: '', chosen: source.property?.id ?? '', open: !this.choosing.open };
      this.draw();
      return focusOn('.chooser input', this.root);
    }
    if (name === 'delete') return this.ask(deleteDialog(source, this.model, () => this.draw(), this.removed));
    if (source.type === 'api_key') return this.ask(keyDialog(source, () => this.keyTaken(source)));
    return this.model.run(source, name, () => api.connect(source.id)).then((answer) => answer && globalThis.location.assign(answer.authorize_url));
  };

  /** @param {Source} source */
  keyTaken = async (source) => {
    this.model.tell(source.id, 'good', store.t('key.taken'));
    await this.reload();
  };

  removed = async () => {
    change({ source: null, error: null }, true);
    await this.reload();
  };

  /** @param {string} account */
  choose = async (account) => {
    const { source } = this;
    if (!source) return;
    if (!(await this.model.run(source, 'choose', () => api.changeSource(source.id, { property_id: account })))) return;
    this.choosing = { query: '', chosen: '', open: false };
    this.model.runs.retry();
    await this.reload();
    focusOn('h1', this.root);
  };

  /** Sends only what was changed. @param {SubmitEvent} event */
  save = async (event) => {
    event.preventDefault();
    const { source } = this;
    if (!source) return;
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const [name, minutes, zone] = [String(data.get('name')).trim(), Number(data.get('cadence_minutes')), data.get('zone')];
    const changes = {
      ...(name === source.name ? {} : { name }),
      ...(minutes && minutes !== source.cadence_minutes ? { cadence_minutes: minutes } : {}),
      ...(zone && zone !== (source.zone_wanted ?? source.zone) ? { zone: String(zone) } : {}),
    };
    if (!Object.keys(changes).length) return this.model.tell(source.id, 'calm', store.t('source.nothing_changed'));
    if (!(await this.form.send(() => api.changeSource(source.id, changes), event.target))) return;
    this.model.tell(source.id, 'good', store.t('source.saved'));
    await this.reload();
  };

  list() {
    const { t } = store;
    const { model } = this;
    if (model.list.error) return html`<section class="card widget">${failed(model.list.error, this.reload)}</section>`;
    if (!model.list.data) return skeleton('list');
    if (!model.items.length) {
      return html`<section class="card widget">${empty(t('source.none'), store.isAdmin ? t('source.none_admin') : t('source.none_viewer'), nothing, 'plug')}</section>`;
    }
    if (!this.params.source) return html`<ul class="source-list">${model.items.map((source) => sourceCard(source, this.act, this.standing(source)))}</ul>`;
    const { source } = this;
    if (!source) return html`<section class="card widget">${empty(t('source.missing'), t('source.missing_text'))}</section>`;
    const { form, act, choosing, choose, save } = this;
    return sourcePage(source, { model, form, act, choosing, choose, save, draw: () => this.draw(), standing: this.standing(source) });
  }

  template() {
    const { t } = store;
    const { add, source: id } = this.params;
    const panel = store.isAdmin && Boolean(this.wizard || add);
    const name = this.wizard?.title() ?? (panel ? t('add.title') : id ? (this.source?.name ?? t('nav.to.sources')) : t('nav.to.sources'));
    return html`
      ${panel || id ? html`<nav class="crumbs" aria-label=${t('nav.crumbs')}><a href="#/sources">${t('nav.to.sources')}</a></nav>` : nothing}
      <header class="page-head">
        <div><h1 tabindex="-1">${name}</h1>${panel || id ? nothing : html`<p class="page-sub">${t('source.lead')}</p>`}</div>
        ${store.isAdmin && !panel && !id ? html`<a class="btn btn-primary" href="#/sources?add=choose">${icon('plus')}${t('source.add')}</a>` : nothing}
      </header>
      ${this.wizard ? this.wizard.template() : panel ? this.adding.template(add) : this.list()}`;
  }
}

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
export function sourcesView(root, location) {
  const page = new SourcesPage(root, location);
  const view = page.view();
  return { ...view, title: page.title, update: view.update, stop: () => { view.stop(); page.wizard?.stop(); page.form.stop(); page.model.stop(); } };
}
