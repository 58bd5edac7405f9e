// What the pages of the administration share: drawing, one notice, one dialog, and requests whose failure is told.
import { announce, focusOn, openDialogs } from './dom.js';
import { html, nothing, render } from './html.js';
import { Paged } from './paged.js';
import { Resource } from './resource.js';
import { store } from './store.js';
import { dialogTemplate } from './widgets/dialog.js';
import { errorText } from './widgets/faces.js';
import { noticeLine } from './widgets/notice.js';

/** @typedef {import('./widgets/dialog.js').Dialog} Dialog */
/** @typedef {import('./lib/url.js').Location} Location */

export class Page {
  /** @type {import('./widgets/notice.js').Notice|null} */
  notice = null;
  /** What is under way: a name the page chose, or nothing. */
  busy = '';
  /** @type {Dialog|null} */
  #dialog = null;
  /** @type {HTMLElement|null} */
  #opener = null;
  /** @type {Array<Resource<any>>} */
  #resources = [];
  #live = true;

  /** @param {HTMLElement} root @param {Location} location @param {string} title */
  constructor(root, location, title) {
    this.root = root;
    this.params = location.params;
    this.title = title;
    this.listen = new AbortController();
    store.addEventListener('tick', () => this.tick(), { signal: this.listen.signal });
  }

  /** What stands on the page. @returns {unknown} */
  template() {
    return nothing;
  }

  /** The address changed within the page. @param {Record<string, string>} _before */
  follow(_before) {}

  /** Half a minute passed: ages are written anew. */
  tick() {
    this.draw();
  }

  /** @returns {Resource<any>} */
  resource() {
    const made = new Resource(() => this.draw());
    this.#resources.push(made);
    return made;
  }

  /** @returns {Paged<any>} */
  paged() {
    const made = new Paged(() => this.draw());
    this.#resources.push(made);
    return made;
  }

  draw() {
    if (!this.#live) return;
    render(html`<div class="sheet">${this.template()}${this.#dialog ? dialogTemplate(this.#dialog, this) : nothing}</div>`, this.root);
    openDialogs(this.root);
  }

  /** The notice under the page's head, also read out. @param {import('./widgets/notice.js').Notice['tone']} tone @param {string} text @param {unknown} [more] */
  say(tone, text, more) {
    this.notice = { tone, text, more };
    announce(text);
    this.draw();
  }

  /** Reads out what the page shows by itself. @param {string} text */
  hush(text) {
    this.notice = null;
    announce(text);
    this.draw();
  }

  noticeLine() {
    return noticeLine(this.notice, () => {
      this.notice = null;
      this.draw();
    });
  }

  /** Runs a request of a button: nothing else can be pressed meanwhile, a refusal becomes the notice. @template T @param {string} name @param {() => Promise<T>} act @returns {Promise<T|undefined>} */
  async run(name, act) {
    if (this.busy) return undefined;
    const from = /** @type {HTMLElement|null} */ (document.activeElement);
    this.busy = name;
    this.notice = null;
    this.draw();
    try {
      return await act();
    } catch (error) {
      this.say('bad', errorText(/** @type {any} */ (error)));
      return undefined;
    } finally {
      this.busy = '';
      this.draw();
      // A button that was off for a moment has lost the focus: the person goes on from where they were.
      if (document.activeElement === document.body && from?.isConnected) from.focus();
    }
  }

  /** Opens a dialog; its `submit` runs when it is confirmed, and a refusal stays inside. @param {Dialog} dialog */
  ask(dialog) {
    this.#opener = /** @type {HTMLElement|null} */ (document.activeElement);
    this.#dialog = dialog;
    this.draw();
  }

  closeDialog = () => {
    const dialog = this.#dialog;
    if (!dialog || dialog.busy) return;
    this.#dialog = null;
    this.draw();
    dialog.closed?.();
    if (this.#opener?.isConnected) this.#opener.focus();
    else focusOn('h1', this.root);
  };

  /** @param {SubmitEvent} event */
  submitDialog = async (event) => {
    event.preventDefault();
    const dialog = this.#dialog;
    if (!dialog || dialog.busy) return;
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    dialog.busy = true;
    dialog.error = null;
    this.draw();
    try {
      await dialog.submit(data);
      dialog.busy = false;
      this.closeDialog();
    } catch (error) {
      dialog.busy = false;
      dialog.error = /** @type {any} */ (error);
      this.draw();
      focusOn('dialog [aria-invalid="true"]', this.root);
    }
  };

  /** What the router keeps of a view. */
  view() {
    this.draw();
    const title = () => this.title;
    return {
      get title() { return title(); },
      update: (/** @type {Location} */ { params }) => {
        const before = this.params;
        this.params = params;
        this.follow(before);
        this.draw();
      },
      stop: () => {
        this.#live = false;
        this.listen.abort();
        for (const resource of this.#resources) resource.stop();
      },
    };
  }
}
