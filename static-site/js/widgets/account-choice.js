// Several accounts were granted: a person says which one is meant, and may search where there are many.
import { html, nothing } from '../html.js';
import { MANY, searchAccounts } from '../lib/sources.js';
import { store } from '../store.js';

/** @typedef {import('../lib/sources.js').Source} Source */
/** @typedef {{query: string, chosen: string}} Choosing */

/** @param {Source} source @param {Choosing} state @param {string} busy @param {() => void} draw @param {(account: string) => void} choose */
export function accountChoice(source, state, busy, draw, choose) {
  const { t } = store;
  const found = searchAccounts(source.properties, state.query);
  const ready = found.some(({ id }) => id === state.chosen);
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    if (ready) choose(state.chosen);
  };
  return html`
    <form class="card card-body chooser" @submit=${submit}>
      <fieldset><legend>${t('source.choose')}</legend>
        <p class="muted">${t(source.property ? 'source.choose_other' : 'source.choose_text')}</p>
        ${source.properties.length > MANY ? html`
          <label class="form-label" for="account-q">${t('source.choose_search')}</label>
          <input class="form-control" id="account-q" type="search" autocomplete="off" .value=${state.query} @input=${(/** @type {any} */ e) => { state.query = e.target.value; draw(); }}>` : nothing}
        <ul class="accounts">${found.map(({ id, name, account }, i) => html`
          <li class="form-check"><input class="form-check-input" type="radio" name="property" id="account-${i}" value=${id} .checked=${id === state.chosen} @change=${() => { state.chosen = id; draw(); }}>
            <label class="form-check-label" for="account-${i}">${name}<span class="muted">${[account, id.split('/').at(-1)].filter(Boolean).join(' · ')}</span></label></li>`)}</ul>
        <p class="muted" role="status">${found.length ? nothing : t('source.choose_none')}</p>
      </fieldset>
      <div class="card-buttons"><button class="btn btn-primary" type="submit" ?disabled=${!ready || busy !== ''}>${busy === 'choose' ? t('source.choosing') : t('source.choose_this')}</button></div>
    </form>`;
}
