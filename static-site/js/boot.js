// Runs before the first paint, so that a dark page does not flash white. Everything else is in modules.
'use strict';
(() => {
  let theme = 'system';
  try {
    theme = sessionStorage.getItem('portal.theme') || theme;
  } catch {
    // Storage is switched off: the system's theme it is.
  }
  if (theme === 'system') theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  document.documentElement.dataset.bsTheme = theme;
})();
