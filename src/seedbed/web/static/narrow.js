// Charts on narrow screens: panels one below the other, names above their rows, long lines of titles broken.

const MARGIN = 28;
/** Width of an axis next to a panel (pixels). */
const AXIS = 56;
/** Mean width of a letter of a title and of a subtitle (pixels). */
const LETTERS = { text: 9, subtitle: 6 };
/** Share of its width below which a chart is not made narrower, but moved to and fro. */
const LEAST = 0.4;
/** Height of a row with its name above and its number below (pixels). */
const ROW = 54;
/** Height of a setting with its name above its values (pixels). */
const SETTING = 74;
/** Most names in a row of a legend. */
const IN_LEGEND = 2;
/** Most words of a setting that stand on one line. */
const ABREAST = 4;

/**
 * A specification as it fits into a place of this width (pixels); the measured values stay as they are.
 * @param {any} spec
 * @param {number} width
 */
export function fitted(spec, width) {
  const room = width - MARGIN;
  const fit = { ...withShortLegends(spec), ...(spec.title ? { title: broken(spec.title, room) } : {}) };
  if (fit.concat) return stacked(fit, room);
  if (spec.encoding?.facet) return fewerColumns(fit, room);
  if (hasNamedColumns(spec)) return lyingDown(fit, room);
  return isForest(spec) ? forest(fit, room) : fit;
}

/** A part whose legends have at most `IN_LEGEND` names in a row. @param {any} part @returns {any} */
function withShortLegends(part) {
  const short = { ...part };
  for (const name of ["layer", "concat"]) if (part[name]) short[name] = part[name].map(withShortLegends);
  if (!part.encoding) return short;
  const channels = Object.entries(part.encoding).map(([name, channel]) => {
    if (!(channel?.legend?.columns > IN_LEGEND)) return [name, channel];
    return [name, { ...channel, legend: { ...channel.legend, columns: IN_LEGEND } }];
  });
  return { ...short, encoding: Object.fromEntries(channels) };
}

/** @param {any} title @param {number} room */
function broken(title, room) {
  const whole = typeof title === "string" ? { text: title } : title;
  /** @param {"text" | "subtitle"} name */
  const lines = (name) => [whole[name] ?? []].flat().flatMap((line) => wrapped(String(line), Math.floor(room / LETTERS[name])));
  return { ...whole, text: lines("text"), subtitle: lines("subtitle") };
}

/** A text in lines of at most this number of letters, as far as its words allow. @param {string} text @param {number} most */
function wrapped(text, most) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Panels in as few columns as there is room for. @param {any} spec @param {number} room */
function stacked(spec, room) {
  const concat = spec.concat.map(withLegend);
  const widest = Math.max(...spec.concat.map((/** @type {any} */ panel) => panel.width ?? 0));
  const columns = Math.max(1, Math.min(spec.columns ?? spec.concat.length, Math.floor(room / (widest + AXIS))));
  return { ...spec, concat, columns };
}

/** A panel whose lines have a legend instead of names at their ends, for which there is no room. @param {any} panel */
function withLegend(panel) {
  const { layer } = panel;
  const isName = (/** @type {any} */ each) => each.mark?.type === "text" && each.mark.x === "width" && each.encoding?.color;
  if (!layer?.some(isName)) return panel;
  const legend = { orient: "top", columns: 1, title: null, symbolType: "stroke", symbolSize: 300, symbolOpacity: 1 };
  /** @param {any} each */
  const named = (each) => {
    const { color } = each.encoding ?? {};
    return color?.legend === null ? { ...each, encoding: { ...each.encoding, color: { ...color, legend } } } : each;
  };
  return { ...panel, layer: layer.filter((/** @type {any} */ each) => !isName(each)).map(named) };
}

/** Small panels on common axes, in as few columns as there is room for. @param {any} spec @param {number} room */
function fewerColumns(spec, room) {
  const { facet } = spec.encoding;
  const columns = Math.max(1, Math.min(facet.columns, Math.floor((room - AXIS) / (spec.width + facet.spacing))));
  return { ...spec, encoding: { ...spec.encoding, facet: { ...facet, columns } } };
}

/**
 * The same specification, narrower by what was too much of the drawing (pixels); null where little of it would be left, which
 * would be hard to read.
 * @param {any} spec
 * @param {number} excess
 */
export function narrower(spec, excess) {
  /** @param {any} view @param {number} less */
  const shrunk = (view, less) => (typeof view.width === "number" && view.width - less >= LEAST * view.width ? view.width - less : 0);
  const abreast = spec.encoding?.facet?.columns ?? 1;
  if (!spec.concat) return shrunk(spec, excess / abreast) ? { ...spec, width: shrunk(spec, excess / abreast) } : null;
  const panels = spec.concat.map((/** @type {any} */ panel) => ({ ...panel, width: shrunk(panel, excess / spec.columns) }));
  return panels.every((/** @type {any} */ panel) => panel.width) ? { ...spec, concat: panels } : null;
}

/** Whether its columns have names above them: settings whose values a line per trial connects. @param {any} spec */
function hasNamedColumns(spec) {
  return Array.isArray(spec.layer) && spec.layer.some((/** @type {any} */ each) => each.encoding?.x?.axis?.orient === "top");
}

/**
 * Columns with names above them as rows: a setting's name, its values from left to right, their words below.
 * @param {any} spec
 * @param {number} room
 */
function lyingDown(spec, room) {
  const settings = new Set();
  const bare = { domain: false, ticks: false, title: null, labels: false, grid: true };
  const layer = spec.layer.map((/** @type {any} */ each) => {
    const { x, y } = each.encoding;
    for (const row of each.data?.values ?? []) settings.add(row.dimension);
    const values = { ...y, axis: null, scale: { ...y.scale, domain: [-0.02, 1.02] } };
    const lying = { ...each, encoding: { ...each.encoding, x: values, y: { ...x, axis: bare } } };
    if (each.mark?.type !== "text") return lying;
    const align = { expr: "datum.place < 0.1 ? 'left' : datum.place > 0.9 ? 'right' : 'center'" };
    const mark = { ...each.mark, align, baseline: "middle", dx: 0, dy: { expr: "12 + 12 * datum.line" } };
    return { ...lying, mark, data: { values: onTwoLines(each.data.values) } };
  });
  const values = [...settings].map((dimension) => ({ dimension }));
  const { y } = layer[0].encoding;
  const name = { data: { values }, mark: { type: "text" }, encoding: { y, text: { field: "dimension" } } };
  const names = onPaper(name, { align: "left", x: 0, dx: 0, dy: -16 });
  return { ...spec, layer: [...layer, ...names], width: room, height: SETTING * settings.size };
}

/** Rows with the line, 0 or 1, on which each word stands: neighbours in turn where there are many. @param {any[]} rows */
function onTwoLines(rows) {
  return rows.map((row) => {
    const places = rows.filter((each) => each.dimension === row.dimension).map((each) => each.place);
    const before = places.filter((place) => place < row.place).length;
    return { ...row, line: places.length > ABREAST ? before % 2 : 0 };
  });
}

/** Whether it has a row for each name, and a number at the end of each. @param {any} spec */
function isForest(spec) {
  return Array.isArray(spec.layer) && spec.layer.some(isNumber);
}

/** @param {any} layer */
function isNumber(layer) {
  return layer.mark?.type === "text" && layer.mark.x === "width" && layer.encoding?.y?.type === "nominal";
}

/** A forest with each name above its interval and the number below. @param {any} spec @param {number} room */
function forest(spec, room) {
  const bare = { labels: false, domain: false, ticks: false };
  const rows = new Set();
  const layer = spec.layer.flatMap((/** @type {any} */ each) => {
    const y = each.encoding?.y;
    if (y?.type !== "nominal") return [each];
    const row = { ...each, encoding: { ...each.encoding, y: { ...y, axis: { ...y.axis, ...bare } } } };
    if (!isNumber(each)) return [row];
    for (const { contrast } of each.data.values) rows.add(contrast);
    const name = { ...row, encoding: { ...row.encoding, text: { field: y.field, type: "nominal" } } };
    return [...onPaper(name, { align: "left", x: 0, dx: 0, dy: -ROW / 3, limit: room }), ...onPaper(row, { align: "right", dx: 0, dy: ROW / 3 })];
  });
  return { ...spec, layer, width: room, height: ROW * rows.size };
}

/** A layer of words on a ground of paper, so that no line runs through them. @param {any} layer @param {object} place */
function onPaper(layer, place) {
  return [["label", "halo"], ["label"]].map((style) => ({ ...layer, mark: { ...layer.mark, ...place, style } }));
}
