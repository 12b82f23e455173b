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

export function initials(name) {
  const words = name.trim().split(/\s+/u);
  return (words[0][0] + (words.length > 1 ? words.at(-1)[0] : '')).toUpperCase();
}

/** Shows a note with a title and a text; an empty title hides it. */
export function say(note, title, text = '') {
  note.hidden = !title;
  $('.strong', note).textContent = title;
  $('.muted', note).textContent = text;
}

let toastTimer = 0;
/** Shows a toast; with `action` ({label, run}) it has a button and stays until it is used or closed. */
export function toast(text, action = null) {
  const box = $('#toast');
  $('.strong', box).textContent = text;
  const button = $('.toast-act', box);
  button.hidden = !action;
  button.textContent = action?.label ?? '';
  button.onclick = () => action?.run();
  box.hidden = false;
  clearTimeout(toastTimer);
  if (!action)
    toastTimer = setTimeout(() => {
      box.hidden = true;
    }, 5000);
}

export const closeToast = () => {
  $('#toast').hidden = true;
};

/** Downloads a text as a file. */
export function download(name, text, type) {
  const link = el('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
