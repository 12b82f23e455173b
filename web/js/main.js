// The page's frame: tabs, theme, language, and the server's state.
import * as api from './api.js';
import { $, $$, closeToast } from './dom.js';
import * as family from './family.js';
import { choose, counted, keepsPictures, languages, t, translatePage } from './i18n.js';
import * as importing from './import.js';
import * as list from './list.js';
import * as register from './register.js';
import * as search from './search.js';
import * as settings from './settings.js';

const views = { register, search, list, family, import: importing, settings };
const THEMES = ['auto', 'light', 'dark'];
let current = '';
let health; // undefined: unknown yet; null: the server does not answer
let asked = 0; // number of the newest health request: older answers are dropped

function show() {
  const wanted = location.hash.slice(1);
  const view = views[wanted] ? wanted : 'register';
  if (view === current) return;
  views[current]?.leave?.();
  current = view;
  for (const section of $$('[data-view]')) section.hidden = section.dataset.view !== view;
  for (const link of $$('[data-nav]')) {
    if (link.dataset.nav === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${t(view)} · Semblance`;
  views[view].enter?.();
}

/** Kept in this browser only; does nothing where the browser forbids storage. */
function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    /* private mode */
  }
}
function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function setTheme(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of $$('[data-theme-set]'))
    button.setAttribute('aria-pressed', String(button.dataset.themeSet === theme));
  remember('theme', theme);
}

function setLanguage(language) {
  choose(language);
  remember('language', language);
  for (const list of $$('[data-lang]')) list.value = language;
  translatePage();
  for (const view of Object.values(views)) view.translate?.();
  showHealth();
  if (current) document.title = `${t(current)} · Semblance`;
}

function showHealth() {
  const state =
    health === undefined
      ? 'unknown'
      : !health
        ? 'bad'
        : health.models === 'ready'
          ? 'ready'
          : health.models === 'error'
            ? 'bad'
            : 'wait';
  for (const dot of $$('.dot')) {
    dot.classList.toggle('is-wait', state === 'wait' || state === 'unknown');
    dot.classList.toggle('is-bad', state === 'bad');
  }
  for (const words of $$('.srv'))
    words.textContent =
      state === 'unknown'
        ? '…'
        : t({ ready: 'ready', wait: 'loading', bad: health ? 'error.model' : 'noserver' }[state]);
  $('#banner-loading').hidden = state !== 'wait';
  $('#banner-error').hidden = state !== 'bad';
  $('#banner-error-title').textContent = t(health ? 'error.model' : 'error.offline');
  $('#banner-error-text').textContent = health?.message ?? '';
  $('#people-count').textContent = health ? counted('people', health.people) : '';
}

async function askHealth() {
  asked += 1;
  const mine = asked;
  const now = await api.health().catch((error) => (error.body?.models ? error.body : null));
  if (mine !== asked) return;
  health = now;
  if (now && keepsPictures(Boolean(now.thumbnails))) translatePage();
  showHealth();
}

async function watchHealth() {
  await askHealth();
  setTimeout(watchHealth, health?.models === 'ready' ? 15000 : 1000);
}

for (const view of Object.values(views)) view.start();
setTheme(THEMES.includes(recall('theme')) ? recall('theme') : 'auto');
setLanguage(
  languages().includes(recall('language'))
    ? recall('language')
    : (languages().find((one) => navigator.language.startsWith(one)) ?? 'en'),
);
for (const list of $$('[data-lang]')) list.addEventListener('change', (event) => setLanguage(event.target.value));
$('#toast-shut').addEventListener('click', closeToast);
for (const button of $$('[data-theme-set]')) button.addEventListener('click', () => setTheme(button.dataset.themeSet));
$('[data-theme-next]').addEventListener('click', () =>
  setTheme(THEMES[(THEMES.indexOf(recall('theme') ?? 'auto') + 1) % THEMES.length]),
);
addEventListener('hashchange', show);
document.addEventListener('people-changed', askHealth);
show();
watchHealth();
