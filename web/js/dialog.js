// Dialogs that carry something out. They stay open, with the error in them, until it has worked or is cancelled.
import { $, $$, say } from './dom.js';

/** Shows a dialog; `run` carries out what it asks about. Resolves to true if that worked. The focus goes back to
 * `opener`. */
export function confirm(dialog, opener, run) {
  const form = $('form', dialog);
  const yes = $('[type=submit]', form);
  const note = $('.note.is-bad', dialog);
  let work = null;
  let done = false;
  const attempt = async () => {
    yes.disabled = true;
    try {
      await run();
      done = true;
      dialog.close();
    } catch (error) {
      say(note, () => error.note);
    }
    yes.disabled = false;
    work = null;
  };
  say(note);
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      work ??= attempt();
    };
    dialog.onclose = async () => {
      opener?.focus();
      await work; // Escape was pressed while the server worked
      resolve(done);
    };
    dialog.showModal();
  });
}

export function start() {
  for (const button of $$('[data-cancel]')) button.addEventListener('click', () => button.closest('dialog').close());
}
