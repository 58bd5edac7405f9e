// Uploading a CSV file in three steps: file, columns, result. Nothing is stored before the import itself.
import { api } from '../api.js';
import { announce, focusOn } from '../dom.js';
import { html } from '../html.js';
import { draftFrom, mappingFrom, problems } from '../lib/csv-mapping.js';
import { decode, readSample } from '../lib/csv-sample.js';
import { store } from '../store.js';
import { fileStep } from '../widgets/csv-file.js';
import { columnStep } from '../widgets/csv-columns.js';
import { resultStep } from '../widgets/csv-result.js';

/** Enough of a file to show what its columns hold. */
const HEAD_BYTES = 65_536;
export const MAX_BYTES = 20 * 1024 * 1024;

/** @typedef {import('../lib/csv-mapping.js').Preview} Preview */
/** @typedef {{rows_read: number, imported: number, unchanged: number, empty: number, rejected: Array<{line: number, column: string|null, reason: string, detail: string}>, rejected_total: number, applied: boolean}} ImportResult */

export class CsvWizard {
  /** @type {'file'|'columns'|'result'} */
  step = 'file';
  /** @type {File|null} */
  file = null;
  /** @type {Preview|null} */
  preview = null;
  /** @type {import('../lib/csv-mapping.js').Draft|null} */
  draft = null;
  /** @type {ImportResult|null} */
  result = null;
  /** @type {import('../api.js').ApiError|null} */
  error = null;
  /** A problem found before anything was sent, in words. */
  problem = '';
  busy = false;
  /** Field problems are shown once a person tried to go on. */
  tried = false;
  /** The upload box is under a dragged file. */
  over = false;
  /** @type {ArrayBuffer|null} */
  #head = null;
  #created = false;
  #stopped = false;

  /** @param {string} wanted id or `new` @param {import('../lib/sources.js').Source|null} source @param {() => void} draw @param {() => void} left the sources may have changed */
  constructor(wanted, source, draw, left) {
    this.wanted = wanted;
    this.source = source;
    this.name = source?.name ?? '';
    this.draw = draw;
    this.left = left;
  }

  title() {
    return this.source && !this.#created ? store.t('csv.title_of', { name: this.source.name }) : store.t('csv.title');
  }

  get problems() {
    return this.tried && this.draft ? problems(this.draft) : [];
  }

  /** @param {'file'|'columns'|'result'} step */
  #go(step) {
    this.step = step;
    this.draw();
    focusOn('.wizard h2');
  }

  /** Runs one request; its failure stays in the panel. @param {() => Promise<void>} work */
  async #work(work) {
    this.busy = true;
    this.error = null;
    this.problem = '';
    this.draw();
    try {
      await work();
    } catch (error) {
      this.error = /** @type {any} */ (error);
      announce(this.error?.message ?? '');
    } finally {
      this.busy = false;
      this.draw();
    }
  }

  /** @param {File|undefined|null} file */
  choose(file) {
    if (!file) return;
    this.problem = file.size > MAX_BYTES ? store.t('csv.too_large') : file.size === 0 ? store.t('csv.empty_file') : '';
    this.error = null;
    this.file = this.problem ? null : file;
    if (!this.name) this.name = file.name.replace(/\.[^.]*$/, '').replace(/[_-]+/g, ' ').slice(0, 80);
    this.draw();
  }

  /** Sends the file for a first look; a new source is made for it. @param {SubmitEvent} event */
  look = (event) => {
    event.preventDefault();
    const { file } = this;
    if (!file || !this.name.trim()) {
      this.problem = file ? store.t('csv.no_name') : store.t('csv.no_file');
      return this.draw();
    }
    return this.#work(async () => {
      if (!this.source) {
        this.source = await api.addSource({ provider: 'csv', name: this.name.trim() });
        this.#created = true;
      }
      this.#head = await file.slice(0, HEAD_BYTES).arrayBuffer();
      this.preview = await api.preview(/** @type {any} */ (this.source).id, file);
      this.draft = draftFrom(/** @type {Preview} */ (this.preview));
      this.tried = false;
      this.#go('columns');
    });
  };

  /** Another delimiter, decimal mark or encoding: the columns are read anew from the head of the file. @param {Record<string, string>} change */
  reread(change) {
    if (!this.preview || !this.#head) return;
    const preview = { ...this.preview, ...change };
    preview.columns = readSample(decode(this.#head, preview.encoding), preview.delimiter, preview.decimal);
    this.preview = preview;
    this.draft = draftFrom(preview);
    announce(store.t('csv.reread', { n: preview.columns.length }));
    this.draw();
  }

  /** @param {import('../lib/csv-mapping.js').Draft} draft */
  edit(draft) {
    this.draft = draft;
    this.draw();
  }

  /** @param {SubmitEvent} event */
  import = (event) => {
    event.preventDefault();
    this.tried = true;
    if (!this.draft || !this.file || problems(this.draft).length) {
      this.draw();
      return focusOn('.wizard [aria-invalid="true"], .wizard [role="alert"]');
    }
    const { draft, file } = this;
    return this.#work(async () => {
      try {
        this.result = await api.importFile(/** @type {any} */ (this.source).id, file, mappingFrom(draft));
        this.#created = false;
      } catch (error) {
        const problem = /** @type {any} */ (error);
        // "All or nothing" and a bad row: the same list, with nothing written.
        if (problem.code !== 'rows_rejected') throw error;
        this.result = { ...problem.problem, applied: false };
      }
      this.#go('result');
    });
  };

  back = () => this.#go(this.step === 'result' ? 'columns' : 'file');

  /** The panel is gone. A source made only for an upload that did not happen goes too. */
  async stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    this.draw = () => {};
    if (this.#created && this.source) await api.deleteSource(this.source.id).catch(() => {});
    this.left();
  }

  template() {
    const { t } = store;
    const steps = ['file', 'columns', 'result'];
    const at = steps.indexOf(this.step);
    return html`
      <section class="card card-body wizard" aria-busy=${String(this.busy)}>
        <ol class="wizard-steps" aria-label=${t('csv.steps')}>${steps.map((step, i) => html`
          <li class=${i < at ? 'step-done' : ''} aria-current=${i === at ? 'step' : 'false'}><span>${i + 1}</span>${t(`csv.step.${step}`)}</li>`)}</ol>
        ${this.step === 'file' ? fileStep(this) : this.step === 'columns' ? columnStep(this) : resultStep(this)}
      </section>`;
  }
}
