// Charts of very many points: lines without the points on them that no one could see.

/** Distance from its line (share of the panel's height) below which a point is left out: a quarter of a pixel. */
const UNSEEN = 1e-3;
/** Passes over a line; each leaves out at most every other point, and moves it by less than that. */
const PASSES = 4;

/** @type {Record<string, (value: number) => number>} */
const SCALES = { linear: (value) => value, log: Math.log };

/** Fields of which a row of a part holds a list of values. @param {any} part @returns {string[]} */
export function listsOf(part) {
  return (part.transform ?? []).flatMap((/** @type {{flatten?: string[]}} */ each) => each.flatten ?? []);
}

/** A specification to draw in the place of one that holds all points. @param {any} spec @returns {any} */
export function thinned(spec) {
  const thin = { ...spec };
  for (const name of ["layer", "concat"]) if (spec[name]) thin[name] = spec[name].map(thinned);
  const lists = listsOf(spec);
  const x = along(spec.encoding?.x, lists);
  const y = along(spec.encoding?.y, lists);
  if (x && y && isPlainLine(spec.mark)) {
    const values = spec.data.values.map((/** @type {any} */ row) => {
      const kept = seen(row[x.field].map(x.place), row[y.field].map(y.place));
      return { ...row, ...Object.fromEntries(lists.map((name) => [name, kept.map((at) => row[name][at])])) };
    });
    const whole = values.every((/** @type {any} */ row) => [x, y].every(({ field }) => row[field].every(Number.isFinite)));
    thin.data = { ...spec.data, values };
    if (whole) thin.mark = { ...spec.mark, invalid: "show" }; // or each point would be asked whether a gap is there
  }
  return thin;
}

/** @param {any} mark */
function isPlainLine(mark) {
  return mark?.type === "line" && !mark.interpolate && !mark.point;
}

/**
 * The field of an axis, and the place of a value on it: 0 and 1 at its ends, not a number where the value is missing.
 * @param {any} channel
 * @param {string[]} lists
 */
function along(channel, lists) {
  const scaled = SCALES[channel?.scale?.type];
  if (!scaled || !channel.scale.domain || !lists.includes(channel.field)) return null;
  const [low, high] = channel.scale.domain.map(scaled);
  const place = (/** @type {any} */ value) => (typeof value === "number" ? (scaled(value) - low) / (high - low) : NaN);
  return { field: channel.field, place };
}

/**
 * Which points of a line to keep: in each pass every other one goes that lies on the line between its neighbours.
 * @param {number[]} x
 * @param {number[]} y
 */
export function seen(x, y) {
  let kept = x.map((_, place) => place);
  for (let pass = 0; pass < PASSES; pass++) {
    kept = kept.filter((at, place) => {
      if (place % 2 === 0 || place === kept.length - 1) return true;
      const [before, after] = [kept[place - 1], kept[place + 1]];
      const share = (x[at] - x[before]) / (x[after] - x[before]);
      return !(Math.abs(y[before] + share * (y[after] - y[before]) - y[at]) < UNSEEN);
    });
  }
  return kept;
}
