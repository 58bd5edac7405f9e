// Recovery codes, shown once: copy, download, print, and a tick that they are stored before going on.
import { announce } from '../dom.js';
import { html } from '../html.js';
import { icon } from '../icons.js';
import { store } from '../store.js';

export class RecoveryCodes {
  stored = false;
  copied = false;

  /** @param {string[]} codes @param {() => void} draw @param {() => void} done */
  constructor(codes, draw, done) {
    this.codes = codes;
    this.draw = draw;
    this.done = done;
  }

  /** The page of text that is kept: what it is, whose, of when. */
  text() {
    const { t, format, session } = store;
    return [t('codes.file_title', { app: t('app.name') }), `${session?.user.email ?? ''} · ${format.instant(store.now())}`, '', ...this.codes, '', t('codes.file_note'), ''].join('\r\n');
  }

  #copy = async () => {
    this.copied = await navigator.clipboard.writeText(this.codes.join('\n')).then(() => true, () => false);
    announce(store.t(this.copied ? 'codes.copied' : 'codes.not_copied'));
    this.draw();
  };

  #download = () => {
    const address = URL.createObjectURL(new Blob([this.text()], { type: 'text/plain;charset=utf-8' }));
    const link = Object.assign(document.createElement('a'), { href: address, download: store.t('codes.file_name') });
    link.click();
    // The browser needs the address until it has begun to save.
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  };

  #tick = (/** @type {Event} */ event) => {
    this.stored = /** @type {HTMLInputElement} */ (event.target).checked;
    this.draw();
  };

  template() {
    const { t, format, session } = store;
    return html`
      <div class="codes">
        <div class="notice notice-warn"><span>${icon('alert')}</span><p>${t('codes.once')}</p></div>
        <p class="print-only">${t('codes.file_title', { app: t('app.name') })}<br>${session?.user.email} · ${format.instant(store.now())}</p>
        <ol class="code-list" aria-label=${t('codes.title')}>${this.codes.map((code) => html`<li><code>${code}</code></li>`)}</ol>
        <p class="section-lead">${t('codes.file_note')}</p>
        <div class="section-buttons">
          <button type="button" class="btn" @click=${this.#copy}>${icon(this.copied ? 'check' : 'copy')}${t(this.copied ? 'codes.copied' : 'codes.copy')}</button>
          <button type="button" class="btn" @click=${this.#download}>${icon('download')}${t('codes.download')}</button>
          <button type="button" class="btn" @click=${() => globalThis.print()}>${icon('printer')}${t('codes.print')}</button>
        </div>
        <label class="tick"><input type="checkbox" class="form-check-input" id="stored" .checked=${this.stored} @change=${this.#tick}><span>${t('codes.stored')}</span></label>
        <div class="section-buttons"><button type="button" class="btn btn-primary" id="codes-done" ?disabled=${!this.stored} @click=${this.done}>${t('codes.done')}</button></div>
      </div>`;
  }
}
