// Step 1 of the CSV upload: a name and a file, dropped or chosen.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { store } from '../store.js';
import { formError } from './faces.js';

/** @typedef {import('../views/csv-wizard.js').CsvWizard} CsvWizard */

/** @param {CsvWizard} wizard */
function dropBox(wizard) {
  const { t, format } = store;
  /** @param {DragEvent} event @param {boolean} over */
  const drag = (event, over) => {
    event.preventDefault();
    wizard.over = over;
    wizard.draw();
  };
  /** @param {DragEvent} event */
  const drop = (event) => {
    drag(event, false);
    wizard.choose(event.dataTransfer?.files[0]);
  };
  const kb = (/** @type {File} */ file) => format.number({ style: 'unit', unit: 'kilobyte', maximumFractionDigits: 1 }).format(file.size / 1024);
  return html`
    <div class="drop ${wizard.over ? 'drop-over' : ''}" @dragover=${(/** @type {DragEvent} */ e) => drag(e, true)} @dragleave=${(/** @type {DragEvent} */ e) => drag(e, false)} @drop=${drop}>
      <input type="file" id="csv-file" class="drop-input" accept=".csv,.tsv,.txt,text/csv" aria-describedby="csv-hint"
        @change=${(/** @type {any} */ e) => wizard.choose(e.target.files[0])}>
      <label for="csv-file">${icon('upload')}<strong>${wizard.file ? wizard.file.name : t('csv.drop')}</strong>
        <span class="muted" id="csv-hint">${wizard.file ? kb(wizard.file) : t('csv.hint')}</span></label>
    </div>`;
}

/** @param {CsvWizard} wizard */
export function fileStep(wizard) {
  const { t } = store;
  return html`
    <form @submit=${wizard.look} novalidate>
      <h2 tabindex="-1">${t('csv.step.file')}</h2>
      <p class="muted">${t('csv.lead')}</p>
      ${formError(wizard.error)}
      ${wizard.problem ? html`<p class="field-problem" role="alert">${wizard.problem}</p>` : nothing}
      <label class="form-label" for="csv-name">${t('add.name')}</label>
      <input class="form-control" id="csv-name" maxlength="80" autocomplete="off" .value=${wizard.name} ?readonly=${wizard.source !== null}
        @input=${(/** @type {any} */ e) => (wizard.name = e.target.value)}>
      ${dropBox(wizard)}
      <div class="dialog-buttons"><a class="btn" href="#/sources">${t('csv.cancel')}</a>
        <button class="btn btn-primary" type="submit" ?disabled=${wizard.busy}>${wizard.busy ? t('csv.reading') : t('csv.next')}</button></div>
    </form>`;
}
