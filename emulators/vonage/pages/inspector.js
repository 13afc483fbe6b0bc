// @ts-check
/** The inspector: what the network says by GET /emulator/calls, drawn anew whenever /emulator/live says that something changed. */

/**
 * @param {string} name
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node | string)} children
 */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, /** @type {EventListener} */ (value));
    else if (value !== undefined && value !== null && value !== false) made.setAttribute(key, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * Makes an element what another one is, and leaves alone what is so already: a redraw takes away neither the focus, nor a selection, nor what
 * somebody has opened. Children with a `data-key` are the same when their keys are; others when they stand at the same place.
 * @param {Element} there
 * @param {Element} fresh
 */
function renew(there, fresh) {
  for (const { name } of [...there.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) there.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (there.getAttribute(name) !== value) there.setAttribute(name, value);
  const keyed = new Map([...there.children].flatMap((child) => (keyOf(child) ? [[keyOf(child), child]] : [])));
  let at = there.firstChild;
  for (const child of [...fresh.childNodes]) {
    const key = keyOf(child);
    const same = key ? keyed.get(key) : at && at.nodeName === child.nodeName && !keyOf(at) ? at : undefined;
    if (!same) there.insertBefore(child, at);
    else {
      if (same === at) at = at.nextSibling;
      else there.insertBefore(same, at);
      if (same instanceof Element) renew(same, /** @type {Element} */ (child));
      else if (same.nodeValue !== child.nodeValue) same.nodeValue = child.nodeValue;
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

/** @param {Node} node */
const keyOf = (node) => (node instanceof HTMLElement ? node.dataset.key : undefined);

/** @param {string} id @param {...(Node | string)} children */
function fill(id, ...children) {
  const fresh = /** @type {Element} */ (byId(id).cloneNode(false));
  fresh.append(...children);
  renew(byId(id), fresh);
}

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} path */
const read = async (path) => (await fetch(path)).json();
/** @param {string} at */
const time = (at) =>
  new Date(at).toLocaleTimeString(undefined, {
    hour12: false,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 1,
  });
/** @param {number} seconds */
const length = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
/** @param {any} end */
const party = (end) => end.uri ?? (end.number ? `+${end.number}` : (end.user ?? end.extension ?? ""));
/** @param {any} leg */
const colour = (leg) => (leg.kind === "websocket" ? "agent" : "person");

/** Which call is looked at: in the address, so that a reload and a link show the same. */
const chosen = () => location.hash.slice(1);
/** Entries of the story that are open, by their place. */
const open = new Set();

async function draw() {
  const { calls, worst_late_ms, refused } = await read("/emulator/calls?last=200");
  byId("clock").hidden = worst_late_ms <= 40;
  byId("clock").textContent = worst_late_ms > 40 ? `The machine held the clock up for ${Math.round(worst_late_ms)} ms at worst.` : "";
  const roots = calls.filter((/** @type {any} */ leg) => leg.parent === null).reverse();
  byId("no-calls").hidden = roots.length > 0;
  // a link may name any leg of a call
  const meant = calls.find((/** @type {any} */ leg) => leg.uuid === chosen())?.call;
  const current = roots.find((/** @type {any} */ leg) => leg.uuid === meant) ?? roots[0];
  refusals(refused);
  fill(
    "calls",
    ...roots.map((/** @type {any} */ leg) =>
      element(
        "li",
        { "data-key": leg.uuid },
        element(
          "button",
          {
            "aria-current": leg === current,
            click: () => {
              location.hash = leg.uuid;
            },
          },
          element("span", {}, leg.direction === "inbound" ? `${party(leg.from)} calls in` : `to ${party(leg.to)}`),
          element("span", { class: leg.over ? "quiet" : "good" }, leg.status),
          element("span", { class: "quiet mono" }, time(leg.created_at)),
          element("span", { class: "quiet" }, leg.duration ? length(Number(leg.duration)) : ""),
        ),
      ),
    ),
  );
  // a network that was started again knows no calls
  if (!current) return fill("call");
  const [whole, legs] = [
    await read(`/emulator/calls/${current.uuid}`),
    calls.filter((/** @type {any} */ leg) => leg.call === current.uuid),
  ];
  fill(
    "call",
    element(
      "div",
      { "data-key": current.uuid },
      heading(whole),
      legsList(legs),
      ...legs.filter((/** @type {any} */ leg) => leg.ncco).map(ncco),
      story(whole, legs),
    ),
  );
}

/** What the API refused, newest first: an SDK often says no more than the status. @param {any[]} refused */
function refusals(refused) {
  byId("refused").hidden = refused.length === 0;
  fill(
    "refusals",
    ...refused
      .toReversed()
      .map((one) =>
        element(
          "li",
          { "data-key": one.id },
          element("span", { class: "bad" }, `${one.status} ${one.method} ${one.path}`),
          element("span", { class: "quiet mono" }, time(one.at)),
          element("span", { class: "because" }, one.because),
        ),
      ),
  );
}

/** @param {any} call */
function heading(call) {
  const hangUp = () => fetch(`/emulator/calls/${call.uuid}/hangup`, { method: "POST" });
  return element(
    "div",
    { class: "heading" },
    element("h2", {}, `${party(call.from)} to ${party(call.to)}`),
    element("span", { class: "mono quiet" }, call.conversation_uuid),
    element("button", { type: "button", click: hangUp, ...(call.over ? { disabled: "" } : {}) }, "Hang up"),
  );
}

/** @param {any[]} legs */
function legsList(legs) {
  return element(
    "ul",
    { class: "legs", "aria-label": "Legs" },
    ...legs.map((leg) =>
      element(
        "li",
        { "data-key": leg.uuid },
        element("span", { class: colour(leg) }, legName(leg)),
        element("span", { class: "party" }, leg.direction === "inbound" ? party(leg.from) : party(leg.to)),
        element("span", { class: leg.over ? "quiet" : "good" }, leg.status),
        element("span", { class: "quiet facts" }, legFacts(leg)),
        element("span", { class: "quiet mono facts" }, leg.uuid),
      ),
    ),
  );
}

/** @param {any} leg */
const legName = (leg) => (leg.kind === "websocket" ? "audio socket" : "phone");

/** @param {any} leg */
function legFacts(leg) {
  return [
    leg.answered_at ? `answered ${time(leg.answered_at)}` : "",
    leg.ended_at ? `ended ${time(leg.ended_at)}${leg.ended_by ? ` by the ${leg.ended_by}` : ""}` : "",
    leg.audio ? soundFacts(leg.audio) : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {any} audio */
function soundFacts(audio) {
  const gap = audio.gapMaxMs === null ? "" : `, longest gap ${Math.round(audio.gapMaxMs)} ms`;
  const holes = audio.underruns ? `, ${audio.underruns} holes (${audio.underrunMs} ms)` : "";
  const odd = audio.wrongSizes ? `, ${audio.wrongSizes} messages of a wrong size` : "";
  const clears = audio.clears ? `, cleared ${audio.clears} times` : "";
  return `${audio.sent} frames out, ${audio.received} in, lead up to ${audio.maxLeadMs} ms${gap}${holes}${clears}${odd}`;
}

/** @param {any} leg */
function ncco(leg) {
  return element(
    "ol",
    { class: "ncco", "aria-label": `NCCO of ${leg.uuid}`, "data-key": `ncco ${leg.uuid}` },
    ...leg.ncco.actions.map((/** @type {string} */ action, /** @type {number} */ place) =>
      element(
        "li",
        { class: place < leg.ncco.at ? "done" : "", "aria-current": place === leg.ncco.at && !leg.over ? "step" : null },
        action,
      ),
    ),
  );
}

/** @param {any} call @param {any[]} legs */
function story(call, legs) {
  const entries = [
    ...call.notes.map((/** @type {any} */ note, /** @type {number} */ place) => ({ at: note.at, key: `${call.uuid} n${place}`, note })),
    ...call.webhooks.map((/** @type {any} */ webhook, /** @type {number} */ place) => ({
      at: webhook.at,
      key: `${call.uuid} w${place}`,
      webhook,
    })),
  ].sort((one, other) => one.at.localeCompare(other.at));
  return element(
    "ol",
    { class: "story", "aria-label": "What happened", "data-key": "story" },
    ...entries.map((entry) => element("li", { "data-key": entry.key }, entry.webhook ? exchange(entry, legs) : note(entry))),
  );
}

/** @param {any} entry */
function note({ note }) {
  return element("div", { class: "note quiet" }, element("span", { class: "mono" }, time(note.at)), element("span", {}, note.said));
}

/** @param {any} entry @param {any[]} legs */
function exchange({ key, webhook }, legs) {
  const good = webhook.problem === null;
  const leg = legs.find(({ uuid }) => uuid === (webhook.body.uuid ?? webhook.body.call_uuid));
  const details = element(
    "details",
    {
      ...(open.has(key) ? { open: "" } : {}),
      toggle: (/** @type {Event} */ event) => (/** @type {HTMLDetailsElement} */ (event.target).open ? open.add(key) : open.delete(key)),
    },
    element(
      "summary",
      {},
      element("span", { class: "mono" }, time(webhook.at)),
      element(
        "span",
        webhook.name === "error" ? { class: "bad" } : {},
        what(webhook),
        ...(leg ? [element("span", { class: colour(leg) }, ` ${legName(leg)}`)] : []),
      ),
      element("span", { class: good ? "good" : "bad" }, good ? `${webhook.status} in ${webhook.ms} ms` : webhook.problem),
    ),
    element(
      "pre",
      { class: "mono" },
      `${webhook.method} ${webhook.url}\n${JSON.stringify(webhook.body, null, 2)}${webhook.reply ? `\n\n${pretty(webhook.reply)}` : ""}`,
    ),
  );
  return details;
}

/** @param {any} webhook */
function what({ kind, name, attempt }) {
  const words =
    kind === "event" ? name : kind === "record" ? "recording" : `asks how to go on (${kind === "fallback" ? "fallback" : name})`;
  return attempt > 1 ? `${words}, once more` : words;
}

/** @param {string} text */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function people() {
  const { ours, people: all } = await read("/emulator/people");
  byId("ours").textContent = `The application is ${ours}.`;
  const select = /** @type {HTMLSelectElement} */ (document.querySelector("#call-in select"));
  const callers = all.filter((/** @type {any} */ person) => person.lines.length > 0);
  select.replaceChildren(
    ...callers.map((/** @type {any} */ person) =>
      element(
        "option",
        { value: person.number, ...(person.number.endsWith("0106") ? { selected: "" } : {}) },
        `${person.number} ${person.habit}`,
      ),
    ),
  );
}

byId("call-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const from = new FormData(/** @type {HTMLFormElement} */ (event.target)).get("from");
  const answer = await fetch("/emulator/calls", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ from }),
  });
  location.hash = (await answer.json()).uuid;
});

let drawing = false;
let again = false;
let gone = false;
async function redraw() {
  again = drawing;
  if (drawing || gone) return;
  drawing = true;
  try {
    await draw();
  } catch {
    // the network went away meanwhile: the live stream says so, and when it is back
  } finally {
    drawing = false;
    if (again) redraw();
  }
}

// figures of a live call move without anything happening
setInterval(() => document.querySelector("#calls .good") && redraw(), 1_000);
addEventListener("hashchange", redraw);
const live = new EventSource("/emulator/live");
live.addEventListener("message", redraw);
live.addEventListener("error", () => {
  gone = true;
  byId("gone").hidden = false;
});
live.addEventListener("open", () => {
  const back = gone;
  gone = false;
  byId("gone").hidden = true;
  // perhaps another one, with other people
  if (back) people().catch(() => {});
});
await people();
await redraw();
