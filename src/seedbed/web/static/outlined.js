// Charts of very many points: each line as one shape, instead of one mark per point of it.

/** @type {Record<string, (value: number) => number>} */
const SCALES = { linear: (value) => value, log: Math.log };

/** Pixels as they are: the place of each point is computed here. */
const PIXELS = { type: "identity", scale: 1, translate: [0, 0] };

/** Fields of which a row of a part holds a list of values. @param {any} part @returns {string[]} */
export function listsOf(part) {
  return (part.transform ?? []).flatMap((/** @type {{flatten?: string[]}} */ each) => each.flatten ?? []);
}

/**
 * A specification whose lines are shapes, which looks the same.
 * @param {any} spec as it is to be drawn: panels keep their sizes
 * @param {object} look how lines look where their marks do not say it
 * @returns {any}
 */
export function outlined(spec, look) {
  if (spec.concat) return { ...spec, concat: spec.concat.map((/** @type {any} */ panel) => outlined(panel, look)) };
  if (!spec.layer) return spec;
  return { ...spec, layer: spec.layer.flatMap((/** @type {any} */ layer) => shapes(layer, spec, look) ?? [layer]) };
}

/**
 * A layer of lines as shapes, above one without rows that keeps its axes and legends; null for any other layer.
 * @param {any} layer
 * @param {{width: number, height: number}} panel
 * @param {object} look
 */
function shapes(layer, panel, look) {
  const { x, y, ...others } = layer.encoding ?? {};
  const lists = listsOf(layer);
  const across = along(x, lists, 0, panel.width);
  const up = along(y, lists, panel.height, 0);
  const varies = Object.values(others).flat().some((channel) => lists.includes(channel?.field));
  if (!isPlainLine(layer.mark) || !across || !up || varies) return null;
  const values = layer.data.values.map((/** @type {any} */ row) => {
    const constant = Object.fromEntries(Object.entries(row).filter(([name]) => !lists.includes(name)));
    const coordinates = unbroken(row[x.field].map(across), row[y.field].map(up));
    return { ...constant, type: "Feature", geometry: { type: "MultiLineString", coordinates } };
  });
  const mark = { clip: false, ...look, ...layer.mark, type: "geoshape", filled: false };
  return [{ ...layer, data: { values: [] } }, { data: { values }, projection: PIXELS, mark, encoding: others }];
}

/** @param {any} mark */
function isPlainLine(mark) {
  return mark?.type === "line" && !mark.interpolate && !mark.point;
}

/**
 * The place of a value along an axis (pixels), not a number where the value is missing; null for an axis of another kind, or
 * one whose length is not known.
 * @param {any} channel
 * @param {string[]} lists
 * @param {number} from where the axis begins
 * @param {number} to
 */
function along(channel, lists, from, to) {
  const scaled = SCALES[channel?.scale?.type];
  if (!scaled || !channel.scale.domain || !lists.includes(channel.field) || !Number.isFinite(from - to)) return null;
  const [low, high] = channel.scale.domain.map(scaled);
  return (/** @type {any} */ value) => (typeof value === "number" ? from + ((scaled(value) - low) / (high - low)) * (to - from) : NaN);
}

/** The pieces of a line between its gaps. @param {number[]} x @param {number[]} y */
function unbroken(x, y) {
  /** @type {[number, number][][]} */
  const pieces = [[]];
  x.forEach((across, place) => {
    if (Number.isFinite(across) && Number.isFinite(y[place])) pieces.at(-1)?.push([across, y[place]]);
    else pieces.push([]);
  });
  return pieces.filter((piece) => piece.length);
}
