// Step 2 of the CSV upload: how the file was read, and what each column is.
import { html, nothing } from '../html.js';
import { ADDITIVITIES, GRAINS, withDate } from '../lib/csv-mapping.js';
import { DATE_FORMATS } from '../lib/csv-sample.js';
import { store } from '../store.js';
import { formError } from './faces.js';

/** @typedef {import('../views/csv-wizard.js').CsvWizard} CsvWizard */
/** @typedef {import('../lib/csv-mapping.js').Draft} Draft */
/** @typedef {import('../lib/csv-mapping.js').Choice} Choice */
/** @typedef {{target: HTMLInputElement & HTMLSelectElement}} Change */

const DELIMITERS = [',', ';', '\t', '|'];
const DECIMALS = ['.', ','];
const ENCODINGS = ['utf-8', 'windows-1252', 'iso-8859-15', 'utf-16le', 'utf-16be', 'macintosh'];
const UNITS = ['count', 'percent', 'currency', 'seconds'];
const OTHER = 'other';
const ROLES = ['metric', 'dimension', 'ignore'];

/** @param {string[]} known @param {string} value what the server found may not be among the usual ones */
const including = (known, value) => (known.some((k) => k.toLowerCase() === value.toLowerCase()) ? known : [...known, value]);

/** @param {string} id @param {string} label @param {string} value @param {Array<[string, string]>} options @param {(value: string) => void} change */
const select = (id, label, value, options, change) => html`
  <div><label class="form-label" for=${id}>${label}</label>
    <select class="form-select" id=${id} @change=${(/** @type {Change} */ e) => change(e.target.value)}>
      ${options.map(([key, text]) => html`<option value=${key} ?selected=${key === value} .selected=${key === value}>${text}</option>`)}</select></div>`;

/** @param {CsvWizard} wizard */
function reading(wizard) {
  const { t } = store;
  const { draft, preview } = /** @type {{draft: Draft, preview: import('../lib/csv-mapping.js').Preview}} */ (/** @type {unknown} */ (wizard));
  const dates = preview.columns.map((c) => /** @type {[string, string]} */ ([c.name, c.name]));
  const formats = including(DATE_FORMATS.map(([f]) => f), draft.format).map((f) => /** @type {[string, string]} */ ([f, f]));
  const pairs = (/** @type {string[]} */ all, /** @type {string} */ prefix) => all.map((key) => {
    const words = t(`${prefix}.${key}`);
    return /** @type {[string, string]} */ ([key, words.startsWith(`${prefix}.`) ? key : words]);
  });
  return html`
    <fieldset class="grid-fields"><legend>${t('csv.reading_as')}</legend>
      ${select('csv-delimiter', t('csv.delimiter'), draft.delimiter, pairs(DELIMITERS, 'delimiter'), (v) => wizard.reread({ delimiter: v }))}
      ${select('csv-decimal', t('csv.decimal'), draft.decimal, pairs(DECIMALS, 'decimal'), (v) => wizard.reread({ decimal: v }))}
      ${select('csv-encoding', t('csv.encoding'), draft.encoding, including(ENCODINGS, draft.encoding).map((e) => [e, e.toUpperCase()]), (v) => wizard.reread({ encoding: v }))}
    </fieldset>
    <fieldset class="grid-fields"><legend>${t('csv.dates')}</legend>
      ${select('csv-date', t('csv.date_column'), draft.date, dates, (v) => wizard.edit(withDate(draft, /** @type {any} */ (preview.columns.find((c) => c.name === v)))))}
      ${select('csv-format', t('csv.date_format'), draft.format, formats, (v) => wizard.edit({ ...draft, format: v }))}
      ${select('csv-grain', t('csv.grain'), draft.grain, GRAINS.map((g) => [g, t(`grain.${g}`)]), (v) => wizard.edit({ ...draft, grain: v }))}
    </fieldset>`;
}

/** Inputs of a column that is a metric. @param {CsvWizard} wizard @param {Choice} choice @param {number} i @param {(change: Partial<Choice>) => void} set */
function metricFields(wizard, choice, i, set) {
  const { t } = store;
  const input = (/** @type {'name'|'key'|'unit'} */ field, label = field === 'unit' ? 'own_unit' : field) => {
    const found = wizard.problems.find((p) => p.field === `${choice.column}.${field}`);
    const id = `csv-${field}-${i}`;
    return html`
      <div><label class="form-label" for=${id}>${t(`csv.field.${label}`)}</label>
        <input class="form-control" id=${id} .value=${choice[field]} autocomplete="off" spellcheck="false" maxlength=${field === 'name' ? 80 : 64}
          aria-invalid=${found ? 'true' : nothing} aria-describedby=${found ? `${id}-problem` : nothing}
          @input=${(/** @type {Change} */ e) => set({ [field]: e.target.value })}>
        ${found ? html`<p class="field-problem" id="${id}-problem">${t(`problem.${found.code}`)}</p>` : nothing}</div>`;
  };
  return html`
    <div class="grid-fields metric-fields">${input('name')}${input('key')}
      ${select(`csv-units-${i}`, t('csv.field.unit'), choice.own ? OTHER : choice.unit, [...UNITS, OTHER].map((u) => [u, t(`unit.${u}`)]), (v) => set({ own: v === OTHER, unit: v === OTHER ? '' : v }))}
      ${choice.own ? input('unit') : nothing}
      ${select(`csv-add-${i}`, t('metric.additivity'), choice.additivity, ADDITIVITIES.map((a) => [a, t(`csv.additivity.${a}`)]), (v) => set({ additivity: v }))}</div>`;
}

/** @param {CsvWizard} wizard @param {Choice} choice @param {number} i */
function column(wizard, choice, i) {
  const { t } = store;
  const draft = /** @type {Draft} */ (wizard.draft);
  const sample = wizard.preview?.columns[i]?.sample ?? [];
  const set = (/** @type {Partial<Choice>} */ change) => wizard.edit({ ...draft, choices: draft.choices.map((c, j) => (j === i ? { ...c, ...change } : c)) });
  return html`
    <li class="column column-${choice.role}" data-column=${choice.column}>
      <div class="column-head"><h3>${choice.column}</h3><p class="muted sample">${sample.length ? sample.join(' · ') : t('csv.no_sample')}</p></div>
      ${choice.role === 'date'
        ? html`<p class="label-chip">${t('role.date')}</p>`
        : html`<div class="segmented" role="group" aria-label=${t('csv.role_of', { column: choice.column })}>
            ${ROLES.map((role) => html`<button type="button" aria-pressed=${String(choice.role === role)} @click=${() => set({ role: /** @type {any} */ (role) })}>${t(`role.${role}`)}</button>`)}</div>`}
      ${choice.role === 'metric' ? metricFields(wizard, choice, i, set) : nothing}
    </li>`;
}

/** @param {CsvWizard} wizard */
function rules(wizard) {
  const { t } = store;
  const draft = /** @type {Draft} */ (wizard.draft);
  return html`
    <fieldset class="rules"><legend>${t('csv.rules')}</legend>
      ${['skip', 'abort'].map((rule) => html`
        <label class="form-check"><input class="form-check-input" type="radio" name="on_error" value=${rule} .checked=${draft.on_error === rule}
          @change=${() => wizard.edit({ ...draft, on_error: /** @type {any} */ (rule) })}><span class="form-check-label">${t(`csv.on_error.${rule}`)}</span></label>`)}
      <label class="form-check"><input class="form-check-input" type="checkbox" .checked=${draft.replace}
        @change=${(/** @type {Change} */ e) => wizard.edit({ ...draft, replace: e.target.checked })}><span class="form-check-label">${t('csv.replace')}</span></label>
    </fieldset>`;
}

/** @param {CsvWizard} wizard */
export function columnStep(wizard) {
  const { t, format } = store;
  const { preview, draft } = wizard;
  if (!preview || !draft) return nothing;
  const general = wizard.problems.filter((p) => !p.field.includes('.'));
  return html`
    <form @submit=${wizard.import} novalidate>
      <h2 tabindex="-1">${t('csv.step.columns')}</h2>
      <p class="muted">${t('csv.found', { file: wizard.file?.name ?? '', rows: format.value(preview.rows, 'count'), n: preview.columns.length })}</p>
      ${reading(wizard)}
      <ul class="columns">${draft.choices.map((choice, i) => column(wizard, choice, i))}</ul>
      ${rules(wizard)}
      ${general.map((p) => html`<p class="field-problem" role="alert" tabindex="-1">${t(`problem.${p.code}`)}</p>`)}
      ${formError(wizard.error)}
      <div class="dialog-buttons"><button type="button" class="btn" @click=${wizard.back}>${t('csv.back')}</button>
        <button class="btn btn-primary" type="submit" ?disabled=${wizard.busy}>${wizard.busy ? t('csv.importing') : t('csv.import')}</button></div>
    </form>`;
}
