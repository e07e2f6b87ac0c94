// One stream of events for all pages of a browser.

/** @typedef {{port: MessagePort, after: string}} Reader */

/** @type {Set<Reader>} */
const readers = new Set();
/** @type {EventSource | null} */
let source = null;
/** @type {{id: string, event: any}[]} */
let recent = [];
let online = false;

/** @param {any} event */
function toAll(event) {
  for (const reader of readers) reader.port.postMessage(event);
}

/** @param {boolean} now */
function connected(now) {
  if (now === online) return;
  online = now;
  toAll({ topic: now ? "online" : "offline", data: {} });
}

/** @param {string} after */
function open(after) {
  source = new EventSource(`/api/events?after=${encodeURIComponent(after)}`);
  source.onopen = () => connected(true);
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    recent = [...recent.slice(-200), { id: message.lastEventId, event }];
    if (event.topic !== "ready") toAll(event);
  };
  source.onerror = () => {
    connected(false);
    if (source?.readyState === EventSource.CLOSED) setTimeout(open, 1000, recent.at(-1)?.id ?? after);
  };
}

/** What a page missed between its making and now; everything where that is not known.
 * @param {Reader} reader */
function catchUp(reader) {
  const place = recent.findIndex(({ id }) => id === reader.after);
  const missed = place >= 0 ? recent.slice(place + 1).map(({ event }) => event) : [{ topic: "reset", data: {} }];
  for (const event of missed) reader.port.postMessage(event);
}

// @ts-expect-error: the types of a shared worker are not those of a page
globalThis.onconnect = (/** @type {MessageEvent} */ connection) => {
  const port = connection.ports[0];
  /** @type {Reader} */
  const reader = { port, after: "" };
  port.onmessage = ({ data }) => {
    if (data.leaves) {
      readers.delete(reader);
      if (!readers.size) {
        source?.close();
        source = null;
        online = false;
        recent = [];
      }
      return;
    }
    reader.after = data.after;
    readers.add(reader);
    if (!source) open(data.after);
    else catchUp(reader);
    if (online) port.postMessage({ topic: "online", data: {} });
  };
};
