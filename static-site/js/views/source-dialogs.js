// The questions that are asked about a source before something happens to it.
import { api } from '../api.js';
import { html, nothing } from '../html.js';
import { fedOnlyBy } from '../lib/sources.js';
import { store } from '../store.js';
import { field, problemOf } from '../widgets/dialog.js';
import { atKey, keyField, keySteps } from '../widgets/key-fields.js';

/** @typedef {import('../lib/sources.js').Source} Source */
/** @typedef {import('../widgets/dialog.js').Dialog} Dialog */

/** A key, first or new. @param {Source} source @param {() => Promise<unknown>} done @returns {Dialog} */
export function keyDialog(source, done) {
  const { t } = store;
  const name = source.name;
  /** @type {Dialog} */
  const dialog = {
    title: source.connection ? t('key.replace_title', { name }) : t('key.title', { name }), text: source.connection ? t('key.replace_text', { label: source.connection.label }) : t('key.about'),
    wide: true, confirm: t('key.check'), fields: ['key'],
    body: () => html`<details class="key-how" ?open=${!source.connection}><summary>${t('key.how')}</summary>${keySteps()}</details>${keyField(problemOf(dialog, 'key'))}`,
    submit: async (data) => {
      await atKey(api.giveKey(source.id, String(data.get('key')).trim()));
      await done();
    },
  };
  return dialog;
}

/** @param {Source} source @param {() => Promise<unknown>} done @returns {Dialog} */
export function pauseDialog(source, done) {
  const { t } = store;
  /** @type {Dialog} */
  const dialog = {
    title: t('pause.title', { name: source.name }), text: t('pause.text'), confirm: t('source.do.pause'), fields: ['pause_reason'],
    body: () => field({ id: 'pause-reason', label: t('pause.reason'), hint: t('pause.reason_hint'), problem: problemOf(dialog, 'pause_reason') }, ({ described, invalid }) => html`
      <input class="form-control" id="pause-reason" name="reason" maxlength="300" autocomplete="off" aria-describedby=${described} aria-invalid=${invalid}>`),
    submit: async (data) => {
      const reason = String(data.get('reason')).trim();
      await api.changeSource(source.id, { paused: true, ...(reason ? { pause_reason: reason } : {}) });
      await done();
    },
  };
  return dialog;
}

/** What goes with a source. @param {Source} source @param {string[]|null} metrics that only it feeds @param {boolean} alone nothing else is read with its access */
function losses(source, metrics, alone) {
  const { t, format } = store;
  const through = source.freshness.data_through;
  return html`
    <ul class="losses">
      <li>${through ? t('delete.data', { day: format.day(through) }) : t('delete.no_data')}</li>
      ${metrics === null ? html`<li>${t('delete.metrics_some')}</li>` : metrics.length ? html`<li>${t('delete.metrics', { n: metrics.length, names: new Intl.ListFormat(store.lang).format(metrics) })}</li>` : nothing}
      ${source.connection ? html`<li>${t(alone ? `delete.access.${source.type}` : 'delete.access_kept', { label: source.connection.label })}</li>` : nothing}
    </ul>`;
}

/** @param {Source} source @param {import('../sources-model.js').Sources} model @param {() => void} draw @param {() => Promise<unknown>} done @returns {Dialog} */
export function deleteDialog(source, model, draw, done) {
  const { t } = store;
  /** @type {string[]|null} */
  let metrics = null;
  let alone = true;
  const signal = new AbortController().signal;
  // Without these answers the dialog says the same in general words.
  api.catalog({}, signal).then(({ items }) => { metrics = fedOnlyBy(items, source.id); draw(); }, () => {});
  model.connections.load((abort) => api.connections(abort)).then((answer) => {
    alone = (answer?.items.find((/** @type {any} */ one) => one.id === source.connection?.id)?.sources ?? 1) < 2;
    draw();
  });
  return {
    title: t('delete.title', { name: source.name }), text: t('delete.text'), confirm: t('delete.confirm'), danger: true,
    body: () => losses(source, metrics, alone),
    submit: async () => {
      await api.deleteSource(source.id);
      await done();
    },
  };
}
