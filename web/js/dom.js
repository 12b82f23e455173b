// DOM helpers. Styles are set through the CSSOM only, because the page's Content-Security-Policy forbids inline styles.
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** An element with properties, attributes (names with "-" or "role") and children (nodes or text). */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role') node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function icon(name, kind = 'icon') {
  return svg('svg', { class: kind, 'aria-hidden': 'true' }, svg('use', { href: `#i-${name}` }));
}

const letters = globalThis.Intl?.Segmenter ? new Intl.Segmenter() : null;
/** The first letter as people see it: an emoji or a letter with accents is not cut in two. */
const firstLetter = (word) => (letters ? [...letters.segment(word)][0]?.segment : [...word][0]) ?? '';

export function initials(name) {
  const words = name.trim().split(/\s+/u);
  return (firstLetter(words[0]) + (words.length > 1 ? firstLetter(words.at(-1)) : '')).toUpperCase();
}

/** The thumbnail if the server keeps one, else the initials. `size`: '', 'face-s' or 'face-l'. */
export function portrait(person, size = 'face-s') {
  if (person.thumbnail)
    return el('img', { className: `face ${size}`, alt: '', src: `data:image/jpeg;base64,${person.thumbnail}` });
  return el('span', { className: `mono-face ${size}`, 'aria-hidden': 'true' }, initials(person.name));
}

const spoken = new Map(); // note -> the function that writes it, so that it can be written in another language

/** What the server said, in English, behind a word that opens it. */
function details(note, summary, text) {
  $('details', note)?.remove();
  if (!text) return;
  note.append(
    el(
      'details',
      { className: 'details' },
      el('summary', {}, summary),
      el('p', { className: 'small', lang: 'en' }, text),
    ),
  );
}

function buttonOf({ id, label, run }) {
  const button = el('button', { type: 'button', className: 'btn', id }, label);
  button.addEventListener('click', run);
  return button;
}

function write(note, make) {
  const { title = '', text = '', more = '', summary = '', actions = [] } = make();
  note.hidden = !title;
  $('.strong', note).textContent = title;
  $('.muted', note).textContent = text;
  details(note, summary, more);
  $('.actions', note)?.remove();
  if (actions.length) note.append(el('div', { className: 'actions' }, ...actions.map(buttonOf)));
}

/** Shows in a note what `make` returns: {title, text, more, summary, actions}; an empty title hides it. */
export function say(note, make) {
  if (make) spoken.set(note, make);
  else spoken.delete(note);
  write(note, make || (() => ({})));
}

/** Writes every note again, after the language has changed. */
export function sayAgain() {
  for (const [note, make] of spoken) write(note, make);
}

let toastTimer = 0;
let onShut = null;
/** Shows a toast. `kind`: 'good' or 'bad'. With `actions` ([{label, run}]), or if it is bad, it stays until it is
 * closed or used. `shut` is called when it is closed without an action. */
export function toast(text, { kind = 'good', actions = [], shut = null } = {}) {
  const box = $('#toast');
  onShut?.();
  onShut = shut;
  $('.strong', box).textContent = text;
  $('use', box).setAttribute('href', kind === 'good' ? '#i-check' : '#i-alert');
  box.classList.toggle('is-bad', kind === 'bad');
  $('.actions', box).replaceChildren(
    ...actions.map(({ label, run }) => {
      const button = el('button', { type: 'button', className: 'btn toast-act' }, label);
      button.addEventListener('click', () => {
        onShut = null;
        button.blur(); // it goes with the message
        run();
      });
      return button;
    }),
  );
  box.hidden = false;
  clearTimeout(toastTimer);
  if (!actions.length && kind === 'good') toastTimer = setTimeout(closeToast, 5000);
}

export function closeToast() {
  const shut = onShut;
  onShut = null;
  if ($('#toast').contains(document.activeElement)) document.activeElement.blur();
  $('#toast').hidden = true;
  shut?.();
}

/** Calls `show` unless `promise` has ended within 300 ms. */
export async function slowly(promise, show) {
  const timer = setTimeout(show, 300);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Kept in this browser only; does nothing where the browser forbids storage. */
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    /* private mode */
  }
}
export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Writes a view's state into the address, so that a reload or a link shows the same. Empty values are left out. */
export function setState(view, state = {}) {
  const told = new URLSearchParams(Object.entries(state).filter(([, value]) => value));
  history.replaceState(null, '', `#${view}${told.size ? `?${told}` : ''}`);
}

/** A CSV field; a leading formula sign is escaped, because spreadsheets would run it. */
const field = (text) => `"${(/^[=+\-@\t\r]/u.test(text) ? "'" : '') + String(text).replaceAll('"', '""')}"`;
/** Rows as CSV. Spreadsheets take a file without a byte-order mark for one in the system's old code page. */
export const csv = (rows) => `\ufeff${rows.map((row) => `${row.map(field).join(',')}\r\n`).join('')}`;

/** Downloads a text as a file. */
export function download(name, text, type) {
  const link = el('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
