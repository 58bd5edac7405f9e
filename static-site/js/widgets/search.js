// A search field whose words go into the address a moment after typing.
import { debounce } from '../dom.js';
import { html } from '../html.js';
import { icon } from '../icons.js';
import { change } from '../router.js';

const SEARCH_MS = 300;
const search = debounce((/** @type {string} */ text) => change({ q: text.trim() || null }, true), SEARCH_MS);

/** @param {string} id @param {string} label @param {string} q */
export const searchField = (id, label, q) => html`
  <div class="filter filter-search"><label class="form-label" for=${id}>${label}</label>
    <div class="search">${icon('search')}<input class="form-control" id=${id} type="search" autocomplete="off" spellcheck="false" .value=${q}
      @input=${(/** @type {any} */ e) => search(e.target.value)}></div></div>`;
