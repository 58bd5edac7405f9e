// A form on its way to the server: busy, what was refused, and how long to wait before the next try. Views draw it.
import { ApiError } from './api.js';
import { announce, focusOn } from './dom.js';
import { clock, secondsLeft, waitSeconds } from './lib/countdown.js';
import { store } from './store.js';

export class Form {
  busy = false;
  /** @type {ApiError|null} */
  error = null;
  #until = 0;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #timer;

  /** @param {() => void} draw */
  constructor(draw) {
    this.draw = draw;
  }

  /** Seconds until the server will listen again. */
  get wait() {
    return secondsLeft(this.#until, Date.now());
  }

  /** Nothing can be sent now. */
  get closed() {
    return this.busy || this.wait > 0;
  }

  /** What the server says about one field. @param {string} field */
  problem(field) {
    const found = this.error?.errors.find((one) => one.field === field);
    return found ? found.detail || store.t('error.unknown') : '';
  }

  /** The person has begun to mend a field: what was said about it no longer holds. @param {string} field */
  forgive(field) {
    if (!this.error?.errors.some((one) => one.field === field)) return;
    this.error.errors = this.error.errors.filter((one) => one.field !== field);
    if (!this.error.errors.length) this.error = null;
  }

  /**
   * Sends; true when it went well. A refusal is kept, and the first field it names gets the focus.
   * @param {() => Promise<unknown>} work @param {ParentNode|EventTarget|null} [element] the form
   */
  async send(work, element) {
    if (this.closed) return false;
    this.busy = true;
    this.error = null;
    this.draw();
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
      if (error.code === 'throttled') this.#hold(waitSeconds(error.problem.retry_after));
      return false;
    } finally {
      this.busy = false;
      this.draw();
      if (this.error?.errors.length && element) focusOn('[aria-invalid="true"]', /** @type {ParentNode} */ (element));
    }
  }

  /** Closed for some seconds, which are counted down before the person's eyes. @param {number} seconds */
  #hold(seconds) {
    this.#until = Date.now() + seconds * 1000;
    announce(store.t('wait.say', { time: clock(seconds) }));
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      if (!this.wait) {
        clearInterval(this.#timer);
        this.error = null;
        announce(store.t('wait.over'));
      }
      this.draw();
    }, 250);
  }

  stop() {
    clearInterval(this.#timer);
    this.draw = () => {};
  }
}
