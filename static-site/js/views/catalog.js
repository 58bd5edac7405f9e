// The catalogue: every metric with its definition, searchable.
import { api } from '../api.js';
import { announce, debounce } from '../dom.js';
import { html, nothing, render } from '../html.js';
import { icon } from '../icons.js';
import { Resource } from '../resource.js';
import { change } from '../router.js';
import { store } from '../store.js';
import { badge } from '../widgets/badge.js';
import { empty, failed, notConnected, skeleton } from '../widgets/faces.js';

const SEARCH_MS = 250;

/** @param {any} item */
const entry = (item) => html`
  <li><article class="card metric-card">
    <h2><a href="#/catalog/${encodeURIComponent(item.key)}">${item.name}</a></h2>
    <p class="metric-definition">${item.definition}</p>
    <p class="label-chips"><span class="label-chip">${store.t(`additivity.${item.additivity}.short`)}</span>
      ${(item.sources ?? []).map((/** @type {any} */ s) => html`<span class="label-chip">${s.name}</span>`)}</p>
    ${badge(item.freshness, { grain: item.grain })}
  </article></li>`;

/** @param {Resource<any>} list @param {string} q @param {() => void} more */
function content(list, q, more) {
  const { t } = store;
  if (list.error) return html`<section class="card widget">${failed(list.error, () => list.retry())}</section>`;
  if (!list.data) return skeleton('list');
  const { items, next_cursor: next } = list.data;
  if (!items.length && q) {
    return html`<section class="card widget">${empty(t('catalog.none'), t('catalog.none_text', { q }),
      html`<button type="button" class="btn" @click=${() => change({ q: null })}>${t('catalog.clear')}</button>`, 'search')}</section>`;
  }
  if (!items.length) return html`<section class="card widget">${notConnected()}</section>`;
  return html`
    <p class="muted count">${t('catalog.count', { n: items.length })}</p>
    <ul class="metric-list" aria-busy=${String(list.face === 'loading')}>${items.map(entry)}</ul>
    ${next ? html`<button type="button" class="btn" @click=${more}>${t('catalog.more')}</button>` : nothing}`;
}

/** @param {HTMLElement} root @param {import('../lib/url.js').Location} location */
export function catalogView(root, location) {
  const { t } = store;
  let q = location.params.q ?? '';
  const list = new Resource(draw);
  const listen = new AbortController();
  const search = debounce((/** @type {string} */ text) => change({ q: text.trim() || null }, true), SEARCH_MS);

  async function load() {
    const answer = await list.load((signal) => api.catalog({ q }, signal));
    if (answer && q) announce(t('catalog.count', { n: answer.items.length }));
  }

  function more() {
    const before = list.data;
    list.load(async (signal) => {
      const next = await api.catalog({ q, cursor: before.next_cursor }, signal);
      return { ...next, items: [...before.items, ...next.items] };
    });
  }

  function draw() {
    render(html`
      <div class="sheet">
        <header class="page-head"><div><h1 tabindex="-1">${t('nav.to.catalog')}</h1><p class="page-sub">${t('catalog.lead')}</p></div></header>
        <form class="search" role="search" @submit=${(/** @type {Event} */ e) => e.preventDefault()}>
          <label class="visually-hidden" for="catalog-q">${t('catalog.search')}</label>${icon('search')}
          <input class="form-control" id="catalog-q" type="search" autocomplete="off" placeholder=${t('catalog.search')} .value=${q}
            @input=${(/** @type {any} */ e) => search(e.target.value)}>
        </form>
        ${content(list, q, more)}
      </div>`, root);
  }

  draw();
  if (store.session?.tenant) load();
  store.addEventListener('tick', draw, { signal: listen.signal });
  return {
    title: t('nav.to.catalog'),
    update: (/** @type {import('../lib/url.js').Location} */ next) => {
      q = next.params.q ?? '';
      load();
    },
    stop: () => {
      listen.abort();
      list.stop();
    },
  };
}
