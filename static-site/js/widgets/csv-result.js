// Step 3 of the CSV upload: what was imported, and every row that was not, with its line and reason.
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { store } from '../store.js';

/** @param {import('../views/csv-wizard.js').ImportResult} result */
function rejected(result) {
  const { t, format } = store;
  if (!result.rejected.length) return nothing;
  const more = result.rejected_total - result.rejected.length;
  return html`
    <h3>${t('result.rejected_title')}</h3>
    <div class="table-scroll rejected" tabindex="0" role="region" aria-label=${t('result.rejected_title')}>
      <table class="table table-sm figures">
        <thead><tr><th scope="col" class="num">${t('result.line')}</th><th scope="col">${t('result.column')}</th><th scope="col">${t('result.reason')}</th></tr></thead>
        <tbody>${result.rejected.map((row) => html`<tr><td class="num">${row.line}</td><td>${row.column ?? '–'}</td><td>${row.detail || row.reason}</td></tr>`)}</tbody>
      </table>
    </div>
    ${more > 0 ? html`<p class="muted">${t('result.more', { n: more, rows: format.value(more, 'count') })}</p>` : nothing}`;
}

/** @param {import('../views/csv-wizard.js').CsvWizard} wizard */
export function resultStep(wizard) {
  const { t, format } = store;
  const { result } = wizard;
  if (!result) return nothing;
  const figure = (/** @type {string} */ name, /** @type {number} */ value) => html`<div class="fact"><dt>${t(`result.n.${name}`)}</dt><dd>${format.value(value, 'count')}</dd></div>`;
  return html`
    <h2 tabindex="-1">${result.applied ? t('result.done') : t('result.refused')}</h2>
    <div class="notice notice-${result.applied ? 'good' : 'bad'}">${icon(result.applied ? 'check' : 'alert')}
      <p>${result.applied ? t('result.done_text') : t('result.refused_text')}</p></div>
    <dl class="facts facts-row">
      ${figure('rows_read', result.rows_read)}${figure('imported', result.imported)}${figure('unchanged', result.unchanged)}
      ${figure('empty', result.empty)}${figure('rejected', result.rejected_total)}
    </dl>
    ${rejected(result)}
    <div class="dialog-buttons">
      ${result.applied
        ? html`<a class="btn" href="#/sources">${t('result.to_sources')}</a><a class="btn btn-primary" href="#/dashboard?metric=${encodeURIComponent(wizard.draft?.choices.find((c) => c.role === 'metric')?.key ?? '')}&range=all">${icon('chart')}${t('result.to_board')}</a>`
        : html`<a class="btn" href="#/sources">${t('csv.cancel')}</a><button type="button" class="btn btn-primary" @click=${wizard.back}>${t('csv.back')}</button>`}
    </div>`;
}
