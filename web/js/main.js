// The page's frame: tabs, theme, language, and the server's state.
import * as api from './api.js';
import * as deletion from './deletion.js';
import * as dialog from './dialog.js';
import { $, $$, closeToast, recall, remember, say, sayAgain, toast } from './dom.js';
import * as estimates from './estimates.js';
import * as family from './family.js';
import { choose, counted, first, keepsPictures, need, ready, t, translatePage } from './i18n.js';
import * as importing from './import.js';
import * as list from './list.js';
import * as register from './register.js';
import * as search from './search.js';
import * as shortcuts from './shortcuts.js';

/** A view whose module is loaded when it is first shown: most visits do without. */
const later = (name, load) => ({
  start() {},
  async enter(state) {
    this.state = state;
    this.loading ??= load().then((module) => {
      module.start();
      this.module = module;
    });
    try {
      await this.loading;
    } catch {
      this.loading = null; // the server is away: the next visit tries again
      toast(t('error.offline'), { kind: 'bad' });
      return;
    }
    if (current === name && this.state === state) await this.module.enter(state);
  },
  leave() {
    this.module?.leave?.();
  },
  translate() {
    this.module?.translate?.();
  },
  accept(files) {
    this.module?.accept?.(files);
  },
});

const settings = later('settings', () => import('./settings.js'));
const person = later('person', async () => (await Promise.all([import('./person.js'), need('cameras')]))[0]);
const cameras = later('cameras', async () => (await Promise.all([import('./cameras.js'), need('cameras')]))[0]);

const views = { register, search, list, person, family, cameras, import: importing, settings };
const THEMES = ['auto', 'light', 'dark'];
let current = '';
let health; // undefined: unknown yet; null: the server does not answer
let asked = 0; // number of the newest health request: older answers are dropped
let shut = ''; // the state whose banner was closed

/** Shows the view that the address names, in the state that stands behind its "?". */
function show() {
  const [wanted, state] = location.hash.slice(1).split('?');
  const view = views[wanted] ? wanted : 'register';
  if (view !== current) {
    views[current]?.leave?.();
    current = view;
    for (const section of $$('[data-view]')) section.hidden = section.dataset.view !== view;
    for (const link of $$('[data-nav]')) {
      if (link.dataset.nav === (view === 'person' ? 'list' : view)) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    document.title = `${t(view)} · Semblance`;
  }
  views[view].enter?.(new URLSearchParams(state));
}

function setTheme(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of $$('[data-theme-set]'))
    button.setAttribute('aria-pressed', String(button.dataset.themeSet === theme));
  remember('theme', theme);
}

let language = first;

/** Writes all that is shown in the language that is chosen. */
function translate() {
  for (const list of $$('[data-lang]')) list.value = language;
  translatePage();
  for (const view of Object.values(views)) view.translate?.();
  sayAgain();
  showHealth();
  if (current) document.title = `${t(current)} · Semblance`;
}

async function setLanguage(wanted) {
  try {
    if (!(await choose(wanted))) return;
    language = wanted;
    remember('language', wanted);
  } catch {
    toast(t('error.offline'), { kind: 'bad' }); // the words did not come: the language stays
  }
  translate();
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
  if (state !== shut) shut = '';
  $('#banner-loading').hidden = state !== 'wait' || shut === state;
  $('#banner-error').hidden = state !== 'bad' || shut === state;
  $('#banner-error-title').textContent = t(health ? 'error.model' : 'error.offline');
  $('#banner-error-text').textContent = health?.message ?? '';
  $('#people-count').textContent = health?.people === undefined ? '' : counted('people', health.people);
}

async function askHealth() {
  asked += 1;
  const mine = asked;
  const now = await api.health().catch((error) => (error.body?.models ? error.body : null));
  if (mine !== asked) return;
  health = now;
  if (now && keepsPictures(Boolean(now.thumbnails))) translatePage();
  if (now) estimates.allow(now.estimates, now.collection);
  showHealth();
}

async function watchHealth() {
  await askHealth();
  setTimeout(watchHealth, health?.models === 'ready' ? 15000 : 1000);
}

/** Asks for the password at once, not at the first request that is refused. */
async function askSession() {
  try {
    if ((await api.session()).login_needed && (await api.enter())) {
      askHealth();
      show();
    }
  } catch {
    /* The banner says that the server is away. */
  }
}

function showSession({ detail: signedIn }) {
  for (const node of $$('[data-log-out]')) node.hidden = !signedIn;
}

async function logOut() {
  try {
    await api.logOut();
    location.reload(); // nothing of what was shown stays
  } catch (error) {
    say($('#settings-error'), () => error.note);
  }
}

/** Files that are dropped beside a view's own place, or pasted, are for the view. */
function listenForFiles() {
  const open = () => $$('dialog').some((one) => one.open);
  const take = (files) => files.length && !open() && views[current].accept?.([...files]);
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    if (event.defaultPrevented) return; // a place of its own took it
    event.preventDefault();
    take(event.dataTransfer.files);
  });
  addEventListener('paste', (event) => take(event.clipboardData?.files ?? []));
}

/** Leaving the page would lose a form that is filled in, or the chance to undo a deletion. */
function listenForLeaving() {
  addEventListener('beforeunload', (event) => {
    if (register.dirty() || person.module?.dirty() || deletion.pending()) event.preventDefault();
  });
  addEventListener('pagehide', deletion.leave);
}

await ready;
document.addEventListener('session', showSession);
dialog.start();
for (const view of Object.values(views)) view.start();
shortcuts.start();
setTheme(THEMES.includes(recall('theme')) ? recall('theme') : 'auto');
translate();
for (const list of $$('[data-lang]')) list.addEventListener('change', (event) => setLanguage(event.target.value));
for (const button of $$('[data-theme-set]')) button.addEventListener('click', () => setTheme(button.dataset.themeSet));
for (const button of $$('[data-log-out] button, button[data-log-out]')) button.addEventListener('click', logOut);
for (const button of $$('.banner .shut'))
  button.addEventListener('click', () => {
    shut = health && health.models !== 'error' ? 'wait' : 'bad';
    showHealth();
  });
$('#toast-shut').addEventListener('click', closeToast);
$('[data-theme-next]').addEventListener('click', () =>
  setTheme(THEMES[(THEMES.indexOf(recall('theme') ?? 'auto') + 1) % THEMES.length]),
);
addEventListener('hashchange', show);
document.addEventListener('people-changed', askHealth);
listenForFiles();
listenForLeaving();
show();
watchHealth();
askSession();
