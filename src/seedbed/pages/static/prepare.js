/**
 * A drawn or opened picture becomes the input of a network, step by step as `seedbed predict` does it
 * (`seedbed.evaluation.prediction`, and Pillow's filters, which round to bytes after each pass).
 */

/** @typedef {{width: number, height: number, data: ArrayLike<number>}} Rgba pixels as a canvas gives them */

/**
 * @typedef {object} Rule how pictures and the values of images belong together
 * @property {number[]} black value that is black, one for all channels or one for each
 * @property {number[]} white
 * @property {"stretch" | "crop" | "pad"} fit
 * @property {"white" | "black"} ground
 */

/**
 * @typedef {object} Target what a network's pictures are like
 * @property {number[]} image_shape height, width, channels
 * @property {Rule} pictures
 * @property {boolean} whole whether values are whole numbers
 * @property {{mean: number, spread: number}} border brightness of the training images' borders, over images
 */

/** @typedef {{values: Float32Array, steps: string[]}} Prepared the network's input, and what was done, in sentences */

/** @typedef {{width: number, height: number, channels: number, values: Float64Array}} Bytes values from 0 to 255 */

const DARK = 0.05;
const EVEN = 0.1;
const OPPOSITE = 0.5;

/**
 * @param {Rgba} picture
 * @param {Target} target
 * @returns {Prepared}
 */
export function prepare(picture, target) {
  const [height, width, channels] = target.image_shape;
  const steps = [];
  const flat = laid(picture, channels, target.pictures.ground);
  if (flat.height !== height || flat.width !== width) steps.push(resizedSentence(flat, height, width, target.pictures.fit));
  const fitted = fit(flat, height, width, target.pictures.fit);
  steps.push(channels === 3 ? "Read as colour." : "Read as grey.");
  let shares = Float32Array.from(fitted.values, (value) => value / 255);
  const { negative, sentence } = decision(brightness(shares, target.image_shape), target.border, channels === 3);
  if (negative) shares = shares.map((share) => 1 - share);
  steps.push(sentence);
  const level = channels === 1 ? levelled(shares, target) : null;
  if (level) steps.push("Its background was set to that of the training images, and its contrast stretched.");
  return { values: values(level ?? shares, target), steps };
}

/** @param {Bytes} flat @param {number} height @param {number} width @param {string} rule */
function resizedSentence(flat, height, width, rule) {
  const how = alike(flat, height, width) ? "Resized" : { stretch: "Stretched", crop: "Cropped", pad: "Padded" }[rule];
  return `${how} from ${flat.height} x ${flat.width} to ${height} x ${width} pixels (height x width).`;
}

/**
 * Lay transparent pixels on the ground, and turn colour to grey where the network sees grey.
 * @param {Rgba} picture @param {number} channels @param {string} ground
 * @returns {Bytes}
 */
function laid({ width, height, data }, channels, ground) {
  const behind = ground === "white" ? 255 : 0;
  const over = (/** @type {number} */ value, /** @type {number} */ alpha) => Math.round(behind + ((value - behind) * alpha) / 255);
  const result = new Float64Array(width * height * channels);
  for (let pixel = 0, at = 0; pixel < width * height; pixel++, at += 4) {
    const [red, green, blue] = [over(data[at], data[at + 3]), over(data[at + 1], data[at + 3]), over(data[at + 2], data[at + 3])];
    if (channels === 3) result.set([red, green, blue], 3 * pixel);
    else result[pixel] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
  }
  return { width, height, channels, values: result };
}

/**
 * @param {Bytes} picture @param {number} height @param {number} width @param {string} rule
 * @returns {Bytes}
 */
function fit(picture, height, width, rule) {
  if (picture.height === height && picture.width === width) return picture;
  if (rule === "stretch" || alike(picture, height, width)) return resized(picture, height, width);
  if (rule === "crop") {
    const ratio = width / height;
    const wide = picture.width / picture.height >= ratio;
    const [w, h] = wide ? [ratio * picture.height, picture.height] : [picture.width, picture.width / ratio];
    const box = [(picture.width - w) / 2, (picture.height - h) / 2, (picture.width + w) / 2, (picture.height + h) / 2];
    return resized(picture, height, width, box);
  }
  const wide = picture.width / picture.height > width / height;
  const inner = wide
    ? resized(picture, Math.max(1, even((picture.height / picture.width) * width)), width)
    : resized(picture, height, Math.max(1, even((picture.width / picture.height) * height)));
  return padded(inner, height, width);
}

/** @param {Bytes} picture @param {number} height @param {number} width */
function alike(picture, height, width) {
  return (
    Math.max(1, even((picture.width * height) / picture.height)) === width ||
    Math.max(1, even((picture.height * width) / picture.width)) === height
  );
}

/** Round to the nearest whole number, halves to even ones, as Python does. @param {number} value */
function even(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/**
 * An antialiased bilinear filter, across and then down.
 * @param {Bytes} picture @param {number} height @param {number} width
 * @param {number[]} box left, top, right, bottom of the part to take
 * @returns {Bytes}
 */
export function resized(picture, height, width, box = [0, 0, picture.width, picture.height]) {
  const { channels } = picture;
  const across = weights(picture.width, box[0], box[2], width);
  const down = weights(picture.height, box[1], box[3], height);
  const narrow = new Float64Array(picture.height * width * channels);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const at = (/** @type {number} */ column) => picture.values[(y * picture.width + column) * channels + c];
        narrow[(y * width + x) * channels + c] = weighted(across[x], at);
      }
    }
  }
  const result = new Float64Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < width * channels; i++) {
      result[y * width * channels + i] = weighted(down[y], (row) => narrow[row * width * channels + i]);
    }
  }
  return { width, height, channels, values: result };
}

/** @typedef {{first: number, shares: number[]}} Taps the first position, and the weights from there on */

/** @param {Taps} taps @param {(position: number) => number} at */
function weighted({ first, shares }, at) {
  const sum = shares.reduce((total, share, i) => total + share * at(first + i), 0);
  return Math.min(255, Math.max(0, Math.floor(sum + 0.5)));
}

/**
 * For each output position the inputs under a triangle as wide as the change of scale.
 * @param {number} size @param {number} start @param {number} stop @param {number} count
 * @returns {Taps[]}
 */
function weights(size, start, stop, count) {
  const scale = (stop - start) / count;
  const support = Math.max(scale, 1);
  return Array.from({ length: count }, (_, position) => {
    const centre = start + (position + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(size, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: last - first }, (_, i) => Math.max(0, 1 - Math.abs((first + i - centre + 0.5) / support)));
    const total = raw.reduce((sum, value) => sum + value, 0);
    return { first, shares: raw.map((value) => value / total) };
  });
}

/**
 * Put a picture in the middle of the colour of its border.
 * @param {Bytes} inner @param {number} height @param {number} width
 * @returns {Bytes}
 */
function padded(inner, height, width) {
  const { channels } = inner;
  const result = new Float64Array(height * width * channels);
  const [top, left] = [Math.floor((height - inner.height) / 2), Math.floor((width - inner.width) / 2)];
  for (let c = 0; c < channels; c++) {
    const at = (/** @type {number} */ y, /** @type {number} */ x) => inner.values[(y * inner.width + x) * channels + c];
    const border = [];
    for (let x = 0; x < inner.width; x++) border.push(at(0, x), at(inner.height - 1, x));
    for (let y = 0; y < inner.height; y++) border.push(at(y, 0), at(y, inner.width - 1));
    const colour = even(quantile(border, 0.5));
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [row, column] = [y - top, x - left];
        const inside = row >= 0 && row < inner.height && column >= 0 && column < inner.width;
        result[(y * width + x) * channels + c] = inside ? at(row, column) : colour;
      }
    }
  }
  return { width, height, channels, values: result };
}

/** Linear interpolation between the sorted values, as NumPy's. @param {ArrayLike<number>} numbers @param {number} share */
function quantile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

/** Mean of the outermost pixels. @param {Float32Array} shares @param {number[]} shape */
function brightness(shares, [height, width, channels]) {
  let [sum, count] = [0, 0];
  shares.forEach((share, i) => {
    const pixel = Math.floor(i / channels);
    const [y, x] = [Math.floor(pixel / width), pixel % width];
    if (y === 0 || y === height - 1 || x === 0 || x === width - 1) {
      sum += share;
      count += 1;
    }
  });
  return sum / count;
}

/** @param {number} own brightness of the picture's border @param {{mean: number, spread: number}} border @param {boolean} coloured */
function decision(own, border, coloured) {
  if (coloured) return { negative: false, sentence: "Not inverted: the network learned from colour." };
  const opposite = own > OPPOSITE !== border.mean > OPPOSITE && Math.abs(1 - own - border.mean) < OPPOSITE;
  const negative = opposite && border.spread <= EVEN && Math.abs(own - border.mean) > OPPOSITE;
  const seen = `its border's brightness is ${own.toFixed(2)}, that of the training images ${border.mean.toFixed(2)}`;
  return { negative, sentence: `${negative ? "Inverted" : "Not inverted"}: ${seen}.` };
}

/** @param {Float32Array} shares @param {Target} target @returns {Float32Array | null} */
function levelled(shares, { border, image_shape: shape }) {
  const ground = brightness(shares, shape);
  const top = quantile(shares, 0.99);
  if (!(border.mean < DARK && border.spread < DARK && ground - border.mean > DARK && top > ground)) return null;
  const stretch = (1 - border.mean) / (top - ground);
  return shares.map((share) => Math.min(1, Math.max(0, border.mean + (share - ground) * stretch)));
}

/** @param {Float32Array} shares @param {Target} target */
function values(shares, { pictures: { black, white }, whole }) {
  return shares.map((share, i) => {
    const [low, high] = [black, white].map((ends) => ends[ends.length === 1 ? 0 : i % ends.length]);
    const value = low + share * (high - low);
    return whole ? even(value) : value;
  });
}

/**
 * Shift and turn an image around its middle; what comes in from outside has the values of the nearest border pixel.
 * @param {ArrayLike<number>} image
 * @param {number[]} shape height, width, channels
 * @param {{across: number, down: number, degrees: number}} change pixels to the right, pixels down, degrees clockwise
 * @returns {Float32Array}
 */
export function moved(image, [height, width, channels], { across, down, degrees }) {
  const [sine, cosine] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  const result = new Float32Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dy, dx] = [y - middleY - down, x - middleX - across];
      const fromX = Math.min(width - 1, Math.max(0, middleX + cosine * dx + sine * dy));
      const fromY = Math.min(height - 1, Math.max(0, middleY - sine * dx + cosine * dy));
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
      const [u, v] = [fromX - left, fromY - top];
      for (let c = 0; c < channels; c++) {
        const at = (/** @type {number} */ row, /** @type {number} */ column) => image[(row * width + column) * channels + c];
        const above = at(top, left) * (1 - u) + at(top, right) * u;
        const below = at(bottom, left) * (1 - u) + at(bottom, right) * u;
        result[(y * width + x) * channels + c] = above * (1 - v) + below * v;
      }
    }
  }
  return result;
}
