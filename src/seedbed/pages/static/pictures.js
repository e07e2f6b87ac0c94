/** Images, activations and weights as pixels of a canvas; styles enlarge them. */

/** @import { Tensor } from "./network.js" */

/** Most pixels of the screen, across, for a pixel of a picture. */
const LARGE = 16;

/** Most tiles of the weights of a dense layer on maps; of more, its matrix is painted. */
const MOST_TILES = 1024;

/** @typedef {[number, number, number]} Rgb */

/** @typedef {(value: number) => Rgb} Colouring value from -1 to 1, or from 0 to 1 -> colour */

/** @typedef {{height: number, width: number, channels: number, values: ArrayLike<number>}} Tile */

/** @param {number} share from 0 to 1 @returns {Rgb} */
function grey(share) {
  const level = 255 * Math.min(1, Math.max(0, share));
  return [level, level, level];
}

/** A colour of the page's palette. @param {string} name @returns {Rgb} */
function colourOf(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const number = parseInt(text.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** Colours for values of both signs: the page's paper is 0, blue positive, orange negative. @returns {Colouring} */
function signed() {
  const [paper, positive, negative] = ["paper", "accent", "contrast"].map(colourOf);
  return (value) => {
    const end = value >= 0 ? positive : negative;
    const share = Math.min(1, Math.abs(value));
    return /** @type {Rgb} */ (paper.map((level, c) => level + (end[c] - level) * share));
  };
}

/**
 * Paint tiles in rows, with a line of paper between them.
 * @param {HTMLCanvasElement} canvas
 * @param {Tile[]} tiles of one shape
 * @param {number} columns
 * @param {Colouring} colouring of tiles of one channel; with three, their values are red, green and blue from 0 to 1
 * @param {number} [gap]
 */
function paint(canvas, tiles, columns, colouring, gap = 1) {
  const { height, width, channels } = tiles[0];
  canvas.width = columns * (width + gap) - gap;
  canvas.height = Math.ceil(tiles.length / columns) * (height + gap) - gap;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const pixels = context.createImageData(canvas.width, canvas.height);
  tiles.forEach(({ values }, number) => {
    const [top, left] = [Math.floor(number / columns) * (height + gap), (number % columns) * (width + gap)];
    for (let i = 0; i < height * width; i++) {
      const at = 4 * ((top + Math.floor(i / width)) * canvas.width + left + (i % width));
      const colour = channels === 3 ? [0, 1, 2].map((c) => 255 * values[3 * i + c]) : colouring(values[i]);
      pixels.data.set([...colour, 255], at);
    }
  });
  context.putImageData(pixels, 0, 0);
  canvas.style.maxWidth = `${LARGE * canvas.width}px`;
}

/**
 * @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} image pixels as stored @param {number[]} shape
 * @param {{black: number[], white: number[]}} rule
 */
export function paintImage(canvas, image, [height, width, channels], { black, white }) {
  const shares = Float32Array.from(image, (value, i) => {
    const [low, high] = [black, white].map((ends) => ends[ends.length === 1 ? 0 : i % ends.length]);
    return (value - low) / (high - low);
  });
  paint(canvas, [{ height, width, channels, values: shares }], 1, grey);
}

/** The largest size of a value, or 1 where all are 0. @param {ArrayLike<number>} values */
function largest(values) {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most || 1;
}

/** The size below which 99 % of the values are, or 1 where all are 0: single large weights would make all others pale.
 * @param {Float32Array} values */
function usual(values) {
  const sizes = values.map(Math.abs).sort();
  return sizes[Math.floor(0.99 * (sizes.length - 1))] || largest(values);
}

/** Paint how much each pixel matters, the sum over its channels. @param {HTMLCanvasElement} canvas
 * @param {Float32Array} gradient @param {number[]} shape */
export function paintSaliency(canvas, gradient, [height, width, channels]) {
  const sums = Float32Array.from({ length: height * width }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += gradient[channels * i + c];
    return sum;
  });
  const most = largest(sums);
  paint(canvas, [{ height, width, channels: 1, values: sums.map((value) => value / most) }], 1, signed());
}

/** Paint a layer's output: a tile for each map, or the units in rows. @param {HTMLCanvasElement} canvas
 * @param {{shape: number[], values: Float32Array}} layer */
export function paintActivation(canvas, { shape, values }) {
  const most = largest(values);
  const [height, width, maps] = shape.length === 3 ? shape : [1, 1, shape[0]];
  const tiles = Array.from({ length: maps }, (_, map) => ({
    height,
    width,
    channels: 1,
    values: Float32Array.from({ length: height * width }, (_, i) => values[i * maps + map] / most),
  }));
  paint(canvas, tiles, columnsOf(maps, width / height, shape.length === 3 ? 2 : 12), signed(), shape.length === 3 ? 1 : 0);
}

/**
 * Paint a layer's weights: of the first layer an image for each unit or filter; of later convolutions the kernels, a column for
 * each filter; of a dense layer on maps the weights of each map, a row for each unit; of other layers the matrix.
 * @param {HTMLCanvasElement} canvas
 * @param {Tensor} kernel @param {number[] | null} image shape of the image, if this layer sees it
 * @param {number[] | null} maps height, width and number of the maps that this layer gets, if it does
 * @returns {{units: number, columns: number}} how many tiles there are, and how many in a row
 */
export function paintWeights(canvas, kernel, image, maps = null) {
  const { tiles, columns } = maps ? mapTiles(kernel, maps) : tilesOf(kernel, image);
  const most = usual(kernel.values);
  const coloured = tiles[0].channels === 3;
  for (const tile of tiles) {
    tile.values = Float32Array.from(tile.values, (value) => (coloured ? 0.5 + value / most / 2 : value / most));
  }
  paint(canvas, tiles, columns, signed());
  return { units: tiles.length, columns };
}

/**
 * Whether the weights of a dense layer on maps are few enough for a tile for each output and map.
 * @param {Tensor} kernel @param {number[] | null} maps height, width and number of the maps that the layer gets
 */
export function isOnMaps({ shape }, maps) {
  return maps !== null && shape.length === 2 && shape[0] === maps[0] * maps[1] * maps[2] && maps[2] * shape[1] <= MOST_TILES;
}

/** @param {Tensor} kernel @param {number[]} maps @returns {{tiles: Tile[], columns: number}} */
function mapTiles({ shape, values }, [height, width, count]) {
  const units = shape[1];
  const tiles = Array.from({ length: units * count }, (_, number) => {
    const [unit, map] = [Math.floor(number / count), number % count];
    const own = Float32Array.from({ length: height * width }, (_, i) => values[(i * count + map) * units + unit]);
    return { height, width, channels: 1, values: own };
  });
  return { tiles, columns: count };
}

/** @param {Tensor} kernel @param {number[] | null} image @returns {{tiles: Tile[], columns: number}} */
function tilesOf({ shape, values }, image) {
  const units = shape[shape.length - 1];
  if (image && (shape.length === 2 || image[2] === shape[2])) {
    const [height, width, channels] = shape.length === 2 ? image : shape;
    const tiles = Array.from({ length: units }, (_, unit) => ({
      height,
      width,
      channels,
      values: Float32Array.from({ length: height * width * channels }, (_, i) => values[i * units + unit]),
    }));
    return { tiles, columns: columnsOf(units, width / height, 2) };
  }
  if (shape.length === 4 && shape[0] > 1) {
    const [side, , inputs, outputs] = shape;
    const tiles = Array.from({ length: inputs * outputs }, (_, number) => ({
      height: side,
      width: side,
      channels: 1,
      values: Float32Array.from({ length: side * side }, (_, i) => values[i * inputs * outputs + number]),
    }));
    return { tiles, columns: outputs > 1 ? outputs : columnsOf(inputs, 1, 2) };
  }
  const inputs = values.length / units;
  const turned = Float32Array.from(values, (_, i) => values[(i % inputs) * units + Math.floor(i / inputs)]);
  return { tiles: [{ height: units, width: inputs, channels: 1, values: turned }], columns: 1 };
}

/** Columns of tiles that together are about `wide` times as wide as high. @param {number} count @param {number} ratio
 * @param {number} wide */
function columnsOf(count, ratio, wide) {
  return Math.min(count, Math.max(1, Math.ceil(Math.sqrt((count * wide) / ratio))));
}

/**
 * An image as a PNG file of its own size.
 * @param {ArrayLike<number>} image pixels as stored @param {number[]} shape @param {{black: number[], white: number[]}} rule
 * @returns {Promise<Blob>}
 */
export async function pictureOf(image, shape, rule) {
  const canvas = document.createElement("canvas");
  paintImage(canvas, image, shape, rule);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be written."))), "image/png");
  });
}
