// PhotoView: shows a camera or a photo with boxes around faces; takes photos from camera, file, drop and paste.
import { $, el } from './dom.js';
import { t } from './i18n.js';

const LONGEST = 1600; // longest side of a photo taken from the camera, in pixels

export class PhotoView {
  /** `onPhoto(blob)` is called for each photo taken or chosen; `keep` leaves the camera on after a photo. */
  constructor(name, { onPhoto, keep = false, onCamera = () => {} }) {
    this.root = $(`#${name}-stage`);
    this.video = $('video', this.root);
    this.image = $('img', this.root);
    this.boxes = $('.boxes', this.root);
    this.message = $('.stage-msg', this.root);
    this.hintBox = $('.hint', this.root);
    this.onPhoto = onPhoto;
    this.onCamera = onCamera;
    this.keep = keep;
    this.file = $(`#${name}-file`);
    $(`#${name}-upload`).addEventListener('click', () => this.file.click());
    $(`#${name}-take`).addEventListener('click', () => this.take());
    this.file.addEventListener('change', () => {
      this.accept(this.file.files);
      this.file.value = '';
    });
    this.listenForDrops();
    new ResizeObserver(() => this.placeBoxes()).observe(this.root);
    this.image.addEventListener('load', () => this.placeBoxes());
    this.image.addEventListener('error', () => this.showMessage(t('nopreview'), t('nopreview.sub')));
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
      this.accept(event.dataTransfer.files);
    });
  }

  accept(files) {
    for (const file of files) this.onPhoto(file);
  }

  get cameraOn() {
    return Boolean(this.stream);
  }

  showMessage(title, text) {
    $('h2', this.message).textContent = title;
    $('p', this.message).textContent = text;
    this.message.hidden = false;
    this.image.hidden = true;
  }

  async startCamera() {
    if (!navigator.mediaDevices?.getUserMedia) {
      this.showMessage(t('cam.http'), t('cam.http.sub'));
      return false;
    }
    const mine = {};
    this.starting = mine;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: 1280 }, height: { ideal: 960 }, facingMode: 'user' },
      });
    } catch (error) {
      if (this.starting !== mine) return false;
      const denied = error.name === 'NotAllowedError';
      this.showMessage(t(denied ? 'cam.denied' : 'cam.none'), t('cam.sub'));
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
    this.video.srcObject = this.stream;
    await this.video.play().catch(() => {}); // rejected if stopCamera comes first
    if (this.stream !== stream) return false;
    this.onCamera(true);
    return true;
  }

  /** Stops the camera, also while it is starting. */
  stopCamera() {
    this.starting = null;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.video.hidden = true;
    this.hint('');
    this.onCamera(false);
  }

  /** The camera's current frame as a JPEG; null before the first frame. */
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
    const photo = await this.snapshot();
    if (!photo) return;
    if (!this.keep) this.stopCamera();
    this.onPhoto(photo);
  }

  show(photo) {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(photo);
    this.boxes.replaceChildren();
    this.message.hidden = true;
    this.image.src = this.url;
    this.image.hidden = false;
  }

  clear() {
    this.image.hidden = true;
    this.image.removeAttribute('src');
    this.boxes.replaceChildren();
    this.message.hidden = false;
  }

  hint(text, good = false) {
    this.hintBox.hidden = !text;
    this.hintBox.classList.toggle('is-good', good);
    $('use', this.hintBox).setAttribute('href', good ? '#i-check' : '#i-info');
    const words = $('span', this.hintBox);
    if (words.textContent !== text) words.textContent = text;
  }

  /** Draws a box for each face. `frame`: the photo's width and height; `make(face, index)` creates the element. */
  draw(faces, frame, make) {
    this.frame = frame;
    this.boxes.hidden = false;
    this.boxes.replaceChildren(
      ...faces.map((face, index) => {
        const box = make(face, index);
        box.style.left = `${(face.box.x / frame.width) * 100}%`;
        box.style.top = `${(face.box.y / frame.height) * 100}%`;
        box.style.width = `${(face.box.w / frame.width) * 100}%`;
        box.style.height = `${(face.box.h / frame.height) * 100}%`;
        return box;
      }),
    );
    this.placeBoxes();
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
