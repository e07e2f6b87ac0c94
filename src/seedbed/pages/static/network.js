/**
 * Dense and convolutional networks, computed in the browser: the activations of every layer, and the gradient of a logit with
 * respect to the image. Layouts are Keras's: images (height, width, channels), kernels (height, width, in, out) and (in, out).
 * Weights and activations are float32; sums are accumulated in float64.
 */

/** @typedef {{shape: number[], values: Float32Array}} Tensor */

/**
 * A network's settings, as `ModelSpec.plain` writes them; a dense network has no fields of convolutions.
 * @typedef {object} Model
 * @property {string} family
 * @property {number[]} hidden
 * @property {string} activation
 * @property {number[]} [filters]
 * @property {number[]} [kernel]
 * @property {number[]} [stride]
 * @property {number[]} [pool]
 * @property {"same" | "valid"} [padding]
 * @property {boolean} [separable]
 * @property {"flatten" | "average"} [head]
 */

/**
 * @typedef {object} Description
 * @property {Model} model
 * @property {number[]} image_shape height, width, channels
 * @property {string[]} classes
 * @property {{scale: number, mean: number[], deviation: number[]}} normalization what the network gets of pixels as stored:
 *   (pixels / scale - mean) / deviation, with one mean and deviation for all channels or one for each
 */

/** @typedef {{name: string, kind: string, shape: number[], values: Float32Array}} Activation the output of a layer */

/** @typedef {{logits: Float32Array, probabilities: Float32Array, layers: Activation[]}} Answer */

/**
 * A part of a layer. `forward` keeps what `backward` needs, so each belongs to one network, and one image at a time.
 * @typedef {object} Step
 * @property {(x: Float32Array) => Float32Array} forward
 * @property {(gradient: Float32Array) => Float32Array} backward gradient of the output -> gradient of the input
 */

/** Families that this module computes; the server answers for others. */
export const FAMILIES = ["dense", "conv"];

/** Elementwise functions with their slopes, as `seedbed.kinds.activations` defines them.
 * @type {Record<string, {value: (z: number) => number, slope: (z: number) => number}>} */
export const ACTIVATIONS = {
  relu: { value: (z) => (z > 0 ? z : 0), slope: (z) => (z > 0 ? 1 : 0) },
  tanh: { value: Math.tanh, slope: (z) => 1 - Math.tanh(z) ** 2 },
  sigmoid: { value: sigmoid, slope: (z) => sigmoid(z) * (1 - sigmoid(z)) },
  leaky_relu: { value: (z) => (z >= 0 ? z : 0.2 * z), slope: (z) => (z >= 0 ? 1 : 0.2) },
  elu: { value: (z) => (z > 0 ? z : Math.expm1(z)), slope: (z) => (z > 0 ? 1 : Math.exp(z)) },
  gelu: { value: (z) => z * normal(z), slope: (z) => normal(z) + (z * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI) },
  silu: { value: (z) => z * sigmoid(z), slope: (z) => sigmoid(z) * (1 + z * (1 - sigmoid(z))) },
};

/** @param {number} z */
function sigmoid(z) {
  return 1 / (1 + Math.exp(-z));
}

/**
 * Distribution function of the standard normal distribution, to 1e-7.
 * Source: Press et al. 1992, "Numerical Recipes in C", 6.2, `erfcc`.
 * @param {number} z
 */
function normal(z) {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * x);
  const coefficients = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223,
  ];
  const tail = t * Math.exp(-x * x + coefficients.reduce((sum, coefficient) => sum * t + coefficient, 0));
  return z >= 0 ? 1 - tail / 2 : tail / 2;
}

/**
 * Read the float32 arrays of a safetensors file.
 * @param {ArrayBuffer} buffer
 * @returns {Record<string, Tensor>}
 */
export function readSafetensors(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  /** @type {Record<string, Tensor>} */
  const tensors = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (entry.dtype !== "F32") throw new Error(`${name}: the dtype must be F32, and is ${entry.dtype}.`);
    const [start, stop] = entry.data_offsets;
    tensors[name] = { shape: entry.shape, values: new Float32Array(buffer.slice(8 + length + start, 8 + length + stop)) };
  }
  return tensors;
}

/** @implements {Step} */
class Elementwise {
  /** @param {string} name of the activation */
  constructor(name) {
    this.activation = ACTIVATIONS[name];
    /** @type {Float32Array} */
    this.x = new Float32Array();
  }

  /** @param {Float32Array} x */
  forward(x) {
    this.x = x;
    return x.map(this.activation.value);
  }

  /** @param {Float32Array} gradient */
  backward(gradient) {
    return gradient.map((value, i) => value * this.activation.slope(this.x[i]));
  }
}

/** @implements {Step} */
class Product {
  /** @param {Tensor} kernel (in, out) @param {Tensor} bias (out) */
  constructor(kernel, bias) {
    this.kernel = kernel.values;
    this.bias = bias.values;
    this.inputs = kernel.shape[0];
    this.outputs = kernel.shape[1];
  }

  /** @param {Float32Array} x */
  forward(x) {
    const { kernel, outputs } = this;
    const sums = Float64Array.from(this.bias);
    for (let i = 0, at = 0; i < this.inputs; i++, at += outputs) {
      const xi = x[i];
      if (xi === 0) continue; // most pixels of a digit are black
      for (let o = 0; o < outputs; o++) sums[o] += xi * kernel[at + o];
    }
    return Float32Array.from(sums);
  }

  /** @param {Float32Array} gradient */
  backward(gradient) {
    const { kernel, outputs } = this;
    const result = new Float32Array(this.inputs);
    for (let i = 0, at = 0; i < this.inputs; i++, at += outputs) {
      let sum = 0;
      for (let o = 0; o < outputs; o++) sum += gradient[o] * kernel[at + o];
      result[i] = sum;
    }
    return result;
  }
}

/**
 * The geometry of a convolution: input and output sizes, and the zeros above and to the left, as TensorFlow pads.
 * @typedef {{height: number, width: number, channels: number, rows: number, columns: number, top: number, left: number,
 *   side: number, stride: number}} Geometry
 */

/**
 * @param {number[]} shape height, width, channels of the input
 * @param {number} side @param {number} stride @param {string} padding
 * @returns {Geometry}
 */
function geometry([height, width, channels], side, stride, padding) {
  const valid = padding === "valid";
  const out = (/** @type {number} */ size) => (valid ? Math.floor((size - side) / stride) + 1 : Math.ceil(size / stride));
  const before = (/** @type {number} */ size) =>
    valid ? 0 : Math.floor(Math.max((out(size) - 1) * stride + side - size, 0) / 2);
  const [rows, columns, top, left] = [out(height), out(width), before(height), before(width)];
  return { height, width, channels, rows, columns, top, left, side, stride };
}

/**
 * Call `visit(output, input, tap)` with the offset of an output position, of the input pixel and of the kernel's tap below it,
 * for all taps inside the image; offsets count pixels.
 * @param {Geometry} g
 * @param {(output: number, input: number, tap: number) => void} visit
 */
function eachTap(g, visit) {
  for (let row = 0; row < g.rows; row++) {
    for (let column = 0; column < g.columns; column++) {
      const output = row * g.columns + column;
      for (let down = 0; down < g.side; down++) {
        const y = row * g.stride - g.top + down;
        if (y < 0 || y >= g.height) continue;
        for (let across = 0; across < g.side; across++) {
          const x = column * g.stride - g.left + across;
          if (x >= 0 && x < g.width) visit(output, y * g.width + x, down * g.side + across);
        }
      }
    }
  }
}

/** @implements {Step} */
class Convolution {
  /** @param {Geometry} g @param {Tensor} kernel (side, side, in, out) @param {Tensor} bias (out) */
  constructor(g, kernel, bias) {
    this.g = g;
    this.kernel = kernel.values;
    this.bias = bias.values;
    this.filters = kernel.shape[3];
  }

  /** @param {Float32Array} x */
  forward(x) {
    const { g, kernel, bias, filters } = this;
    const { channels } = g;
    const sums = new Float64Array(g.rows * g.columns * filters);
    for (let at = 0; at < sums.length; at += filters) sums.set(bias, at);
    eachTap(g, (output, input, tap) => {
      const to = output * filters;
      for (let c = 0; c < channels; c++) {
        const value = x[input * channels + c];
        if (value === 0) continue;
        const from = (tap * channels + c) * filters;
        for (let f = 0; f < filters; f++) sums[to + f] += value * kernel[from + f];
      }
    });
    return Float32Array.from(sums);
  }

  /** @param {Float32Array} gradient */
  backward(gradient) {
    const { g, kernel, filters } = this;
    const { channels } = g;
    const result = new Float32Array(g.height * g.width * channels);
    eachTap(g, (output, input, tap) => {
      for (let c = 0; c < channels; c++) {
        const from = (tap * channels + c) * filters;
        let sum = 0;
        for (let f = 0; f < filters; f++) sum += gradient[output * filters + f] * kernel[from + f];
        result[input * channels + c] += sum;
      }
    });
    return result;
  }
}

/** One kernel per channel, without bias. @implements {Step} */
class Depthwise {
  /** @param {Geometry} g @param {Tensor} kernel (side, side, channels, 1) */
  constructor(g, kernel) {
    this.g = g;
    this.kernel = kernel.values;
  }

  /** @param {Float32Array} x */
  forward(x) {
    const { g, kernel } = this;
    const { channels } = g;
    const sums = new Float64Array(g.rows * g.columns * channels);
    eachTap(g, (output, input, tap) => {
      for (let c = 0; c < channels; c++) sums[output * channels + c] += x[input * channels + c] * kernel[tap * channels + c];
    });
    return Float32Array.from(sums);
  }

  /** @param {Float32Array} gradient */
  backward(gradient) {
    const { g, kernel } = this;
    const { channels } = g;
    const result = new Float32Array(g.height * g.width * channels);
    eachTap(g, (output, input, tap) => {
      for (let c = 0; c < channels; c++) {
        result[input * channels + c] += gradient[output * channels + c] * kernel[tap * channels + c];
      }
    });
    return result;
  }
}

/** The largest value of each window; the first of equal ones gets the gradient. @implements {Step} */
class MaxPool {
  /** @param {number[]} shape height, width, channels of the input @param {number} side of the windows; incomplete ones are dropped */
  constructor([height, width, channels], side) {
    this.width = width;
    this.channels = channels;
    this.side = side;
    this.rows = Math.floor(height / side);
    this.columns = Math.floor(width / side);
    this.size = height * width * channels;
    this.from = new Int32Array(this.rows * this.columns * channels);
  }

  /** @param {Float32Array} x */
  forward(x) {
    const { width, channels, side, columns, from } = this;
    return Float32Array.from(from, (_, at) => {
      const c = at % channels;
      const place = (at - c) / channels;
      const start = (Math.floor(place / columns) * width + (place % columns)) * side;
      let largest = start * channels + c;
      for (let down = 0; down < side; down++) {
        for (let across = 0; across < side; across++) {
          const index = (start + down * width + across) * channels + c;
          if (x[index] > x[largest]) largest = index;
        }
      }
      from[at] = largest;
      return x[largest];
    });
  }

  /** @param {Float32Array} gradient */
  backward(gradient) {
    const result = new Float32Array(this.size);
    gradient.forEach((value, at) => (result[this.from[at]] += value));
    return result;
  }
}

/** The mean of each map. @implements {Step} */
class Average {
  /** @param {number} places @param {number} channels */
  constructor(places, channels) {
    this.places = places;
    this.channels = channels;
  }

  /** @param {Float32Array} x */
  forward(x) {
    const sums = new Float64Array(this.channels);
    for (let i = 0; i < x.length; i++) sums[i % this.channels] += x[i];
    return Float32Array.from(sums, (sum) => sum / this.places);
  }

  /** @param {Float32Array} gradient */
  backward(gradient) {
    return Float32Array.from({ length: this.places * this.channels }, (_, i) => gradient[i % this.channels] / this.places);
  }
}

/** @typedef {{name: string, kind: string, shape: number[], steps: Step[]}} Layer */

/** A network that computes; one image at a time. */
export class Network {
  /**
   * @param {Description} description
   * @param {Record<string, Tensor>} weights named and laid out as in Keras
   */
  constructor(description, weights) {
    if (!FAMILIES.includes(description.model.family)) {
      throw new Error(`A network of the family ${description.model.family} is computed by the server.`);
    }
    this.description = description;
    this.weights = weights;
    /** @type {Layer[]} */
    this.layers = [...convolutions(description, weights)];
    const inputs = this.layers.at(-1)?.shape ?? [size(description.image_shape)];
    this.layers.push(...denseLayers(description, weights, inputs));
  }

  /**
   * Compute the probabilities of the classes and the output of every layer.
   * @param {ArrayLike<number>} image pixels as stored, (height, width, channels)
   * @returns {Answer}
   */
  run(image) {
    let x = this.#seen(image);
    const layers = this.layers.map(({ name, kind, shape, steps }) => {
      for (const step of steps) x = step.forward(x);
      return { name, kind, shape, values: x };
    });
    const probabilities = softmax(x);
    return { logits: x, probabilities, layers };
  }

  /**
   * What one layer gives, without computing those after it.
   * @param {ArrayLike<number>} image pixels as stored, (height, width, channels)
   * @param {string} name of the layer
   */
  output(image, name) {
    let x = this.#seen(image);
    for (const layer of this.layers) {
      for (const step of layer.steps) x = step.forward(x);
      if (layer.name === name) return x;
    }
    throw new Error(`This network has no layer ${name}.`);
  }

  /** The image as the first layer gets it. @param {ArrayLike<number>} image @returns {Float32Array} */
  #seen(image) {
    const { image_shape: shape, normalization } = this.description;
    if (image.length !== size(shape)) throw new Error(`An image must have ${size(shape)} values, and has ${image.length}.`);
    const { scale, mean, deviation } = normalization;
    return Float32Array.from(image, (value, i) => (value / scale - mean[i % mean.length]) / deviation[i % deviation.length]);
  }

  /**
   * The gradient of a class's logit with respect to the network's input in the last `run`, (height, width, channels).
   * @param {number} label number of the class
   */
  saliency(label) {
    /** @type {Float32Array} */
    let gradient = new Float32Array(this.description.classes.length);
    gradient[label] = 1;
    for (const layer of this.layers.toReversed()) {
      for (const step of layer.steps.toReversed()) gradient = step.backward(gradient);
    }
    return gradient;
  }
}

/**
 * @param {Description} description @param {Record<string, Tensor>} weights
 * @returns {Generator<Layer>}
 */
function* convolutions({ model, image_shape: imageShape }, weights) {
  let shape = imageShape;
  for (const [number, filters] of (model.filters ?? []).entries()) {
    const [side, stride, pool] = [model.kernel, model.stride, model.pool].map((values) => values?.[number] ?? 1);
    const g = geometry(shape, side, stride, model.padding ?? "same");
    const name = `conv_${number}`;
    const convolved = [g.rows, g.columns, filters];
    const activate = new Elementwise(model.activation);
    const own = (/** @type {string} */ part) => weights[`${name}/${part}`];
    /** @type {Step[]} */
    let steps;
    if (model.separable && number > 0) {
      const pointwise = geometry([g.rows, g.columns, g.channels], 1, 1, "valid");
      steps = [new Depthwise(g, own("depthwise_kernel")), new Convolution(pointwise, own("pointwise_kernel"), own("bias"))];
    } else {
      steps = [new Convolution(g, own("kernel"), own("bias"))];
    }
    yield { name, kind: "conv", shape: convolved, steps: [...steps, activate] };
    shape = convolved;
    if (pool > 1) {
      const step = new MaxPool(convolved, pool);
      shape = [step.rows, step.columns, filters];
      yield { name: `pool_${number}`, kind: "pool", shape, steps: [step] };
    }
  }
  if (model.family !== "conv") return;
  const [height, width, channels] = shape;
  if (model.head === "average") {
    yield { name: "head", kind: "average", shape: [channels], steps: [new Average(height * width, channels)] };
  } else {
    yield { name: "head", kind: "flatten", shape: [size(shape)], steps: [] };
  }
}

/**
 * @param {Description} description @param {Record<string, Tensor>} weights @param {number[]} inputs
 * @returns {Generator<Layer>}
 */
function* denseLayers({ model, classes }, weights, inputs) {
  const widths = [...model.hidden, classes.length];
  for (const [number, units] of widths.entries()) {
    const kernel = weights[`dense_${number}/kernel`];
    if (kernel.shape[0] !== size(inputs)) throw new Error(`dense_${number} has ${kernel.shape[0]} inputs, not ${size(inputs)}.`);
    /** @type {Step[]} */
    const steps = [new Product(kernel, weights[`dense_${number}/bias`])];
    if (number < model.hidden.length) steps.push(new Elementwise(model.activation));
    yield { name: `dense_${number}`, kind: number < model.hidden.length ? "dense" : "logits", shape: [units], steps };
    inputs = [units];
  }
}

/** @param {number[]} shape */
function size(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

/** @param {Float32Array} logits */
export function softmax(logits) {
  const largest = Math.max(...logits);
  const odds = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const total = odds.reduce((sum, value) => sum + value, 0);
  return Float32Array.from(odds, (value) => value / total);
}
