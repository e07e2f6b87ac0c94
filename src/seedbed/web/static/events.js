// Events of the server, for this page: through a worker that all pages share (a browser gives one address six connections),
// or a stream of its own, or by asking every second.

/** @typedef {{topic: string, data: any}} PageEvent */

/** @type {Map<string, Set<(data: any) => void>>} */
const listeners = new Map();

/** Topics of the connection itself: `reset` means that events were missed, `online` and `offline` that it came and went. */
const OWN = ["reset", "online", "offline"];

/**
 * Call a function at each event of a topic. A topic of `OWN` concerns the connection.
 * @param {string} topic
 * @param {(data: any) => void} heard
 */
export function listen(topic, heard) {
  const some = listeners.get(topic) ?? new Set();
  listeners.set(topic, some.add(heard));
}

/** @param {PageEvent} event */
function dispatch(event) {
  for (const heard of listeners.get(event.topic) ?? []) heard(event.data);
}

/** @param {string} name */
function meta(name) {
  return document.querySelector(`meta[name="seedbed-${name}"]`)?.getAttribute("content") ?? "";
}

function shared() {
  const worker = new SharedWorker(`/static/events-worker.js?v=${meta("stamp")}`, { name: "seedbed-events" });
  worker.port.onmessage = (message) => dispatch(message.data);
  worker.port.postMessage({ after: meta("event") });
  addEventListener("pageshow", (event) => {
    if (event.persisted) worker.port.postMessage({ after: "" }); // out of the browser's memory of pages
  });
  addEventListener("pagehide", () => worker.port.postMessage({ leaves: true }));
}

function own() {
  const source = new EventSource(`/api/events?after=${encodeURIComponent(meta("event"))}`);
  let failures = 0;
  source.onopen = () => {
    failures = 0;
    dispatch({ topic: "online", data: {} });
  };
  source.onmessage = (message) => dispatch(JSON.parse(message.data));
  source.onerror = () => {
    dispatch({ topic: "offline", data: {} });
    failures += 1;
    if (source.readyState === EventSource.CLOSED || failures > 5) {
      source.close();
      poll(meta("event"));
    }
  };
}

/** @param {string} last */
async function poll(last) {
  try {
    const answer = await fetch(`/api/changes?after=${encodeURIComponent(last)}`);
    if (answer.ok) {
      const news = await answer.json();
      last = news.last;
      dispatch({ topic: "online", data: {} });
      if (news.reset) dispatch({ topic: "reset", data: {} });
      news.events.forEach(dispatch);
    }
  } catch {
    dispatch({ topic: "offline", data: {} });
  }
  setTimeout(poll, 1000, last);
}

/** Begin to hear events; once per page. */
export function connect() {
  if ("SharedWorker" in globalThis) shared();
  else own();
}

export { OWN };
