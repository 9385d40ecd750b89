// Sets the colour scheme before the first paint. A file rather than an inline script, because the page is served under
// script-src 'self'. Key and values are those of Mantine's localStorageColorSchemeManager in src/app.tsx.
(() => {
  let scheme = 'auto';
  try {
    scheme = localStorage.getItem('olly.scheme') || 'auto';
  } catch {
    // Storage may be forbidden; the system's preference then decides.
  }
  if (scheme !== 'light' && scheme !== 'dark') {
    scheme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  }
  document.documentElement.setAttribute('data-mantine-color-scheme', scheme);
})();
