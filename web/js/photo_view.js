// PhotoView: shows a camera or a photo with boxes around faces; takes photos from camera, file, drop and paste.
import * as api from './api.js';
import { $, el, recall, remember } from './dom.js';
import { t } from './i18n.js';
import { shrink } from './photos.js';

const LONGEST = 1600; // longest side of a photo taken from the camera, in pixels

export class PhotoView {
  /** `onPhoto(blob, file)` is called for each photo taken or chosen, `onFiles(count)` with the number of files that
   * were offered, of which `room()` are taken. `keep` leaves the camera on after a photo. */
  constructor(name, { onPhoto, keep = false, room = () => 1, onCamera = () => {}, onFiles = () => {} }) {
    this.root = $(`#${name}-stage`);
    this.video = $('video', this.root);
    this.image = $('img', this.root);
    this.boxes = $('.boxes', this.root);
    this.message = $('.stage-msg', this.root);
    this.hintBox = $('.hint', this.root);
    Object.assign(this, { onPhoto, onCamera, onFiles, keep, room });
    this.first = ['h2', 'p'].map((part) => $(part, this.message).dataset.t);
    this.file = $(`#${name}-file`);
    $(`#${name}-upload`).addEventListener('click', () => this.file.click());
    $(`#${name}-take`).addEventListener('click', () => this.take());
    this.file.addEventListener('change', () => {
      this.accept([...this.file.files]);
      this.file.value = '';
    });
    this.listenForDrops();
    this.makePicker();
    new ResizeObserver(() => this.placeBoxes()).observe(this.root);
    this.image.addEventListener('load', () => this.placeBoxes());
    this.image.addEventListener('error', () => this.preview());
  }

  listenForDrops() {
    const over = (event, on) => {
      event.preventDefault();
      this.root.classList.toggle('is-over', on);
    };
    this.root.addEventListener('dragover', (event) => over(event, true));
    this.root.addEventListener('dragleave', (event) => over(event, false));
    this.root.addEventListener('drop', (event) => {
      over(event, false);
      event.stopPropagation();
      this.accept([...event.dataTransfer.files]);
    });
  }

  /** Takes files, as many as there is room for. */
  async accept(files) {
    this.onFiles(files.length);
    for (const file of files.slice(0, this.room())) this.onPhoto(await shrink(file), file);
  }

  get cameraOn() {
    return Boolean(this.stream);
  }

  /** Shows words of the page instead of a picture: keys of a title and of a text. */
  showMessage(title, text) {
    const parts = [$('h2', this.message), $('p', this.message)];
    [title, text].forEach((key, index) => {
      parts[index].dataset.t = key;
      parts[index].textContent = t(key);
    });
    this.message.hidden = false;
    this.image.hidden = true;
  }

  /* ---- Camera */

  /** The list of cameras, where there are several. */
  makePicker() {
    this.picker = el('select', { className: 'select cam-pick', hidden: true, 'aria-label': t('camera') });
    this.picker.dataset.label = 'camera';
    this.picker.addEventListener('change', () => {
      remember('camera', this.picker.value);
      if (!this.cameraOn) return;
      this.stopCamera();
      this.startCamera();
    });
    this.root.after(this.picker);
  }

  async showPicker() {
    const all = await navigator.mediaDevices.enumerateDevices();
    const cameras = all.filter((one) => one.kind === 'videoinput');
    const used = this.stream?.getVideoTracks()[0]?.getSettings().deviceId;
    this.picker.replaceChildren(
      ...cameras.map((one, index) =>
        el('option', { value: one.deviceId }, one.label || t('camera.n', { n: index + 1 })),
      ),
    );
    this.picker.value = used ?? '';
    this.picker.hidden = !this.cameraOn || cameras.length < 2;
  }

  /** The camera that was chosen before, else the one that faces the person. */
  async openCamera() {
    const video = { width: { ideal: 1280 }, height: { ideal: 960 } };
    const chosen = recall('camera');
    if (chosen) {
      try {
        return await navigator.mediaDevices.getUserMedia({ video: { ...video, deviceId: { exact: chosen } } });
      } catch (error) {
        if (error.name === 'NotAllowedError') throw error; // the chosen one is gone
      }
    }
    return navigator.mediaDevices.getUserMedia({ video: { ...video, facingMode: 'user' } });
  }

  async startCamera() {
    const upload = !this.file.closest('[hidden]');
    if (!navigator.mediaDevices?.getUserMedia) {
      this.showMessage('cam.http', upload ? 'cam.http.sub' : 'cam.http.live');
      return false;
    }
    const mine = {};
    this.starting = mine;
    let stream;
    try {
      stream = await this.openCamera();
    } catch (error) {
      if (this.starting !== mine) return false;
      const denied = error.name === 'NotAllowedError';
      const sub = upload ? 'cam.sub' : 'cam.sub.live';
      this.showMessage(denied ? 'cam.denied' : 'cam.none', denied ? 'cam.denied.sub' : sub);
      return false;
    }
    /* Who went on meanwhile, or pressed again, does not want this camera any more. */
    if (this.starting !== mine) {
      for (const track of stream.getTracks()) track.stop();
      return false;
    }
    this.stream = stream;
    this.clear();
    this.message.hidden = true;
    this.video.hidden = false;
    /* People expect a mirror, but not of a camera that looks away from them. */
    this.mirrored = stream.getVideoTracks()[0]?.getSettings().facingMode !== 'environment';
    this.video.classList.toggle('is-mirrored', this.mirrored);
    this.video.srcObject = this.stream;
    await this.video.play().catch(() => {}); // rejected if stopCamera comes first
    if (this.stream !== stream) return false;
    this.onCamera(true);
    this.showPicker();
    return true;
  }

  /** Stops the camera, also while it is starting. */
  stopCamera() {
    this.starting = null;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.mirrored = false;
    this.video.srcObject = null;
    this.video.hidden = true;
    this.picker.hidden = true;
    this.hint('');
    this.onCamera(false);
  }

  /** The camera's current frame as a JPEG, not mirrored; null before the first frame. */
  snapshot(longest = LONGEST) {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, longest / Math.max(width, height));
    const canvas = el('canvas', { width: Math.round(width * scale), height: Math.round(height * scale) });
    canvas.getContext('2d').drawImage(this.video, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => {
      canvas.toBlob(resolve, 'image/jpeg', 0.92);
    });
  }

  /** The first press turns the camera on, the next takes the photo. */
  async take() {
    if (!this.cameraOn) {
      await this.startCamera();
      return;
    }
    this.onFiles(1);
    if (this.room() < 1) return;
    const photo = await this.snapshot();
    if (!photo) return;
    if (!this.keep) this.stopCamera();
    this.onPhoto(photo);
  }

  /* ---- Photo */

  show(photo) {
    this.photo = photo;
    this.previewed = false;
    this.clearBoxes();
    this.message.hidden = true;
    this.showImage(photo);
  }

  showImage(blob) {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(blob);
    this.image.src = this.url;
    this.image.hidden = false;
  }

  /** The browser cannot read the photo: the server may make a JPEG of it. */
  async preview() {
    const { photo } = this;
    if (this.previewed || !photo) return;
    this.previewed = true;
    this.image.hidden = true;
    try {
      const jpeg = await api.preview(photo);
      if (this.photo === photo) this.showImage(jpeg);
    } catch {
      if (this.photo === photo) this.showMessage('nopreview', 'nopreview.sub');
    }
  }

  clear() {
    this.photo = null;
    this.image.hidden = true;
    this.image.removeAttribute('src');
    this.clearBoxes();
    this.showMessage(...this.first);
  }

  hint(text, good = false) {
    this.hintBox.hidden = !text;
    this.hintBox.classList.toggle('is-good', good);
    $('use', this.hintBox).setAttribute('href', good ? '#i-check' : '#i-info');
    const words = $('span', this.hintBox);
    if (words.textContent !== text) words.textContent = text;
  }

  /* ---- Boxes */

  clearBoxes() {
    this.frame = null;
    this.boxes.replaceChildren();
  }

  /** Draws a box for each face. `frame`: the photo's width and height; `make(face, index)` creates the element. */
  draw(faces, frame, make) {
    this.frame = frame;
    this.boxes.hidden = false;
    this.boxes.replaceChildren(
      ...faces.map((face, index) => {
        const box = make(face, index);
        const { x, y, w, h } = face.box;
        box.style.left = `${((this.mirrored ? frame.width - x - w : x) / frame.width) * 100}%`;
        box.style.top = `${(y / frame.height) * 100}%`;
        box.style.width = `${(w / frame.width) * 100}%`;
        box.style.height = `${(h / frame.height) * 100}%`;
        return box;
      }),
    );
    this.placeBoxes();
  }

  /** Draws boxes that are buttons: `choose(index)` is called for the one that is pressed. */
  offer(faces, frame, chosen, choose) {
    this.draw(faces, frame, (_, index) => {
      const box = el(
        'button',
        {
          type: 'button',
          className: `facebox ${index === chosen ? 'is-same' : 'is-none'}`,
          'aria-pressed': String(index === chosen),
          'aria-label': t('face.choose', { n: index + 1 }),
        },
        el('span', { className: 'facebox-n', 'aria-hidden': 'true' }, String(index + 1)),
      );
      box.addEventListener('click', () => choose(index));
      return box;
    });
  }

  /** Places the boxes over the picture, not over the bars beside it. */
  placeBoxes() {
    if (!this.frame) return;
    const { clientWidth, clientHeight } = this.root;
    const scale = Math.min(clientWidth / this.frame.width, clientHeight / this.frame.height);
    const width = this.frame.width * scale;
    const height = this.frame.height * scale;
    Object.assign(this.boxes.style, {
      width: `${width}px`,
      height: `${height}px`,
      left: `${(clientWidth - width) / 2}px`,
      top: `${(clientHeight - height) / 2}px`,
    });
  }
}
