// The faces of a list in pages: loading, error, empty, and its rows with a button for the next page.
import { html, nothing } from '../html.js';
import { store } from '../store.js';
import { failed, formError, skeleton } from './faces.js';

/** @param {import('../paged.js').Paged<any>} list @param {{none: unknown, rows: (items: any[]) => unknown, shape?: 'list'|'table'}} faces */
export function listing(list, { none, rows, shape = 'table' }) {
  const { t } = store;
  if (list.error) return failed(list.error, () => list.retry());
  if (!list.data) return skeleton(shape);
  const { items, next_cursor: next } = list.data;
  return html`
    <div aria-busy=${String(list.face === 'loading')}>${items.length ? rows(items) : none}</div>
    ${formError(list.moreError)}
    ${next ? html`<button type="button" class="btn more" ?disabled=${list.fetching} @click=${() => list.more()}>${list.fetching ? t('face.loading') : t('list.more')}</button>` : nothing}`;
}
