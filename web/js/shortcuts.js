// Keyboard shortcuts of the whole page, and the dialog that lists them.
import { $, $$, recall, remember } from './dom.js';

const VIEWS = ['register', 'search', 'list', 'family', 'cameras', 'import', 'settings'];

const typing = (node) => node.closest?.('input:not([type=checkbox]):not([type=radio]), select, textarea') !== null;
const on = () => recall('shortcuts') !== 'off';

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if ($$('dialog').some((one) => one.open) || !on()) return;
  const view = VIEWS[Number(event.key) - 1];
  if (view) location.hash = view;
  else if (event.key === '?') $('#dlg-shortcuts').showModal();
  else if (event.key === '/') {
    location.hash = 'list';
    requestAnimationFrame(() => $('#q').focus());
  } else return;
  event.preventDefault();
}

export function start() {
  $('#shortcuts-on').checked = on();
  $('#shortcuts-on').addEventListener('change', () => {
    remember('shortcuts', $('#shortcuts-on').checked ? 'on' : 'off');
  });
  for (const button of $$('[data-shortcuts]')) button.addEventListener('click', () => $('#dlg-shortcuts').showModal());
  addEventListener('keydown', press);
}
