// Small helpers around focus, dialogs and announcements.

/** Says something to a screen reader without moving the focus. @param {string} text */
export function announce(text) {
  const live = document.getElementById('live');
  if (!live) return;
  // The same text twice in a row would not be read: empty it first.
  live.textContent = '';
  setTimeout(() => (live.textContent = text), 50);
}

/** @param {string} selector @param {ParentNode} [root] */
export function focusOn(selector, root = document) {
  const target = /** @type {HTMLElement|null} */ (root.querySelector(selector));
  target?.focus();
  return target;
}

/** Shows every `<dialog data-open>` of a freshly drawn view as a modal. @param {ParentNode} root */
export function openDialogs(root) {
  for (const dialog of root.querySelectorAll('dialog[data-open]')) {
    const modal = /** @type {HTMLDialogElement} */ (dialog);
    if (!modal.open) modal.showModal();
  }
}

/** Delays a call until nothing came for `ms`. @template {unknown[]} A @param {(...args: A) => void} call @param {number} ms */
export function debounce(call, ms) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  return (/** @type {A} */ ...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...args), ms);
  };
}
