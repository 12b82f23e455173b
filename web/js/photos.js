// Photos as files: made smaller before they are sent, and cut to one face.
import { el } from './dom.js';

const LONGEST = 1600; // longest side of a photo that is sent, in pixels
const SMALL = 400000; // bytes of a photo that is sent as it is

const jpeg = (canvas, quality) =>
  new Promise((resolve) => {
    canvas.toBlob(resolve, 'image/jpeg', quality);
  });

/** A smaller copy of a large photo, or the photo itself if it is small or the browser cannot read it. */
export async function shrink(photo) {
  if (photo.size <= SMALL) return photo;
  let bitmap;
  try {
    bitmap = await createImageBitmap(photo);
  } catch {
    return photo; // HEIC, TIFF and the like: only the server reads them
  }
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = el('canvas', {
    width: Math.round(bitmap.width * scale),
    height: Math.round(bitmap.height * scale),
  });
  canvas.getContext('2d').drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const smaller = await jpeg(canvas, 0.85);
  return smaller && smaller.size < photo.size ? smaller : photo;
}

/** The square around a face, `margin` times its box. */
function around({ x, y, w, h }, margin) {
  const size = Math.max(w, h) * margin;
  return { x: x + w / 2 - size / 2, y: y + h / 2 - size / 2, size };
}

/** A picture of one face, drawn when `image` has loaded. `frame`: the photo's size, in whose pixels the boxes are. */
export function crop(image, face, frame, side) {
  const canvas = el('canvas', { width: side, height: side, className: 'face', 'aria-hidden': 'true' });
  const draw = () => {
    const scale = image.naturalWidth / frame.width;
    const { x, y, size } = around(face.box, 1.5);
    canvas
      .getContext('2d')
      .drawImage(image, x * scale, y * scale, size * scale, size * scale, 0, 0, canvas.width, canvas.height);
  };
  if (image.complete && image.naturalWidth) draw();
  else image.addEventListener('load', draw, { once: true });
  return canvas;
}

/** A photo of one of several faces, without the others: what is sent when somebody has chosen a face. */
export async function only(image, faces, chosen, frame) {
  const scale = image.naturalWidth / frame.width;
  const { x, y, size } = around(faces[chosen].box, 2);
  const canvas = el('canvas', { width: Math.round(size * scale), height: Math.round(size * scale) });
  const context = canvas.getContext('2d');
  context.fillStyle = '#808080';
  const zoom = canvas.width / size;
  context.drawImage(image, x * scale, y * scale, size * scale, size * scale, 0, 0, canvas.width, canvas.height);
  for (const [index, { box }] of faces.entries())
    if (index !== chosen) context.fillRect((box.x - x) * zoom, (box.y - y) * zoom, box.w * zoom, box.h * zoom);
  const own = faces[chosen].box; // another face's box may lie over a part of it
  context.drawImage(
    image,
    own.x * scale,
    own.y * scale,
    own.w * scale,
    own.h * scale,
    (own.x - x) * zoom,
    (own.y - y) * zoom,
    own.w * zoom,
    own.h * zoom,
  );
  return jpeg(canvas, 0.92);
}
