// Where the account is signed in: end one of them, the others, or all.
import { identity } from '../api-identity.js';
import { announce, focusOn } from '../dom.js';
import { Form } from '../form.js';
import { html, nothing } from '../html.js';
import { icon } from '../icons.js';
import { device } from '../lib/device.js';
import { Resource } from '../resource.js';
import { store } from '../store.js';
import { failed, skeleton } from '../widgets/faces.js';
import { formNotice } from '../widgets/fields.js';

/** @typedef {{id: string, current: boolean, created_at: string, last_used_at: string, expires_at: string, ip: string|null, user_agent: string|null}} Session */

/** "Firefox en Windows". @param {Session} session */
function nameOf({ user_agent: agent }) {
  const { browser, system } = device(agent);
  if (browser && system) return store.t('device.both', { browser, system });
  return browser ?? system ?? store.t('device.unknown');
}

export class Sessions {
  /** Asking whether to end all of them, this one too. */
  asking = false;

  /** @param {() => void} draw @param {() => void} signedOut */
  constructor(draw, signedOut) {
    this.draw = draw;
    this.signedOut = signedOut;
    this.form = new Form(() => this.draw());
    /** @type {Resource<{items: Session[]}>} */
    this.list = new Resource(() => this.draw());
  }

  load = () => this.list.load((signal) => identity.sessions(signal));

  /** @param {() => Promise<unknown>} work @param {string} said */
  async #end(work, said) {
    if (!(await this.form.send(work))) return;
    announce(said);
    await this.load();
    focusOn('#sessions-title');
  }

  /** @param {boolean} open */
  #ask(open) {
    this.asking = open;
    this.draw();
    if (!open) focusOn('#end-all');
  }

  #endAll = async () => {
    this.asking = false;
    if (await this.form.send(() => identity.endSessions(false))) this.signedOut();
  };

  /** @param {Session} session */
  #row(session) {
    const { t, format } = store;
    const name = nameOf(session);
    const used = t('session.used', { age: format.ago(store.now() - Date.parse(session.last_used_at), t('fresh.just_now')) });
    return html`
      <li class="session">
        <span class="session-image">${icon(device(session.user_agent).kind === 'phone' ? 'phone' : 'laptop')}</span>
        <div><p class="session-name"><strong title=${session.user_agent ?? ''}>${name}</strong>
            ${session.current ? html`<span class="state state-good">${icon('check')}${t('session.current')}</span>` : nothing}</p>
          <p class="session-facts"><time datetime=${session.last_used_at} title=${format.instant(session.last_used_at)}>${used}</time>
            ${session.ip ? html`<span>${t('session.ip', { ip: session.ip })}</span>` : nothing}
            <span>${t('session.since', { at: format.instant(session.created_at) })}</span></p></div>
        ${session.current ? nothing : html`<button type="button" class="btn btn-sm" data-end=${session.id} ?disabled=${this.form.closed}
          aria-label=${t('session.end_of', { name, used })} @click=${() => this.#end(() => identity.endSession(session.id), t('session.ended'))}>${t('session.end')}</button>`}
      </li>`;
  }

  #dialog() {
    const { t } = store;
    const close = () => this.#ask(false);
    return html`
      <dialog class="dialog" data-open aria-labelledby="all-title" aria-describedby="all-text" @cancel=${close}>
        <h2 id="all-title">${t('session.all_title')}</h2>
        <p id="all-text">${t('session.all_text')}</p>
        <div class="dialog-buttons">
          <button type="button" class="btn" @click=${close}>${t('reauth.cancel')}</button>
          <button type="button" class="btn btn-danger" @click=${this.#endAll}>${t('session.end_all')}</button>
        </div>
      </dialog>`;
  }

  template() {
    const { t } = store;
    const { data, error } = this.list;
    if (error) return failed(error, this.load);
    if (!data) return skeleton('list');
    // This one first, then by last use.
    const items = [...data.items].sort((a, b) => Number(b.current) - Number(a.current) || b.last_used_at.localeCompare(a.last_used_at));
    return html`
      ${formNotice(this.form, [], 'sessions-problem')}
      <ul class="sessions" aria-busy=${String(this.list.face === 'loading')}>${items.map((session) => this.#row(session))}</ul>
      <div class="section-buttons">
        ${items.length > 1 ? html`<button type="button" class="btn" id="end-others" ?disabled=${this.form.closed} @click=${() => this.#end(() => identity.endSessions(true), t('session.others_ended'))}>${t('session.end_others')}</button>` : nothing}
        <button type="button" class="btn" id="end-all" ?disabled=${this.form.closed} @click=${() => this.#ask(true)}>${t('session.end_all')}</button>
      </div>
      ${this.asking ? this.#dialog() : nothing}`;
  }

  stop() {
    this.list.stop();
    this.form.stop();
    this.draw = () => {};
  }
}
