// The admin's login: shown when the server asks for it. The session is a cookie that scripts cannot read.
import { $ } from './dom.js';
import { t } from './i18n.js';

let asking = null;

/** Shows the login until it succeeds or is cancelled; resolves to true on success. `send` takes password and code. */
export function login(send) {
  asking ??= new Promise((resolve) => {
    const dialog = $('#dlg-login');
    const form = $('form', dialog);
    const note = $('[data-login-note]', dialog);
    note.textContent = '';
    form.onsubmit = async (event) => {
      event.preventDefault();
      const error = await send(form.password.value, form.code.value.trim());
      form.password.value = '';
      form.code.value = '';
      if (error) {
        note.textContent = error.code === 'unauthorized' ? t('login.wrong') : error.title;
        form.password.focus();
      } else {
        dialog.close('in');
      }
    };
    dialog.onclose = () => {
      asking = null;
      resolve(dialog.returnValue === 'in');
    };
    dialog.returnValue = '';
    dialog.showModal();
  });
  return asking;
}
