// PortraitView: a PhotoView for a photo of one person. Of several faces the user chooses one; none is chosen silently.
import * as api from './api.js';
import { el } from './dom.js';
import { t } from './i18n.js';
import { PhotoView } from './photo_view.js';
import { only } from './photos.js';

export class PortraitView {
  /** `onChange()` is called whenever `portrait` or `failure` may have changed. */
  constructor(name, onChange) {
    this.onChange = onChange;
    this.stage = new PhotoView(name, { onPhoto: (photo) => this.take(photo), onCamera: (on) => on && this.forget() });
    this.forget();
  }

  forget() {
    this.photo = null;
    this.portrait = null; // the photo to be sent, of the one face; null until it is known
    this.failure = null;
    this.seen = null;
    this.chosen = -1;
    this.onChange?.();
  }

  async take(photo) {
    this.forget();
    this.photo = photo;
    this.stage.show(photo);
    this.stage.hint(t('shot.wait'));
    try {
      const seen = await api.detect(photo);
      if (this.photo !== photo) return;
      this.seen = seen;
      if (seen.faces.length === 1) await this.choose(0);
      if (!seen.faces.length) this.failure = new api.ApiError('no_face', '');
    } catch (error) {
      if (this.photo !== photo) return;
      this.failure = error;
    }
    this.draw();
    this.onChange();
  }

  async choose(index) {
    const { photo, seen, stage } = this;
    this.chosen = index;
    this.draw();
    let portrait = photo;
    if (seen.faces.length > 1) {
      await stage.image.decode().catch(() => {});
      portrait = await only(stage.image, seen.faces, index, seen);
    }
    if (this.photo !== photo || this.chosen !== index) return;
    this.portrait = portrait;
  }

  draw() {
    const { seen, stage } = this;
    stage.hint('');
    if (!seen) return;
    if (seen.faces.length < 2) {
      stage.draw(seen.faces, seen, () => el('div', { className: 'facebox is-same' }));
      return;
    }
    stage.hint(t(this.chosen < 0 ? 'face.pick' : 'face.picked', { n: this.chosen + 1 }), this.chosen >= 0);
    stage.offer(seen.faces, seen, this.chosen, async (index) => {
      this.portrait = null;
      this.onChange();
      await this.choose(index);
      this.onChange();
    });
  }

  translate() {
    this.draw();
  }
}
