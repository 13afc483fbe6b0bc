// @ts-check
/** A telephone in the browser: the microphone goes up and the other side comes down as 20 ms frames of 16 kHz s16, over one WebSocket. */
import { newRing } from "./ring.js";

/** Said instead of an error nobody understands. See https://developer.mozilla.org/docs/Web/API/MediaDevices/getUserMedia#privacy_and_security. */
const NO_MICROPHONE = window.isSecureContext
  ? ""
  : "Browsers lend a microphone only to pages over https, or of this machine itself: open it as localhost there.";
/** With or without its `+`, which is a space in a query that was typed by hand. */
const number = `+${(new URLSearchParams(location.search).get("number") ?? "12025550199").replace(/\D/g, "")}`;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const buttons = { call: byId("call"), answer: byId("answer"), decline: byId("decline"), "hang up": byId("hang-up") };

/** What is said and what can be done, by state. */
const screens = {
  idle: { says: "Ready", can: ["call"] },
  ringing: { says: "Ringing", can: ["answer", "decline"] },
  calling: { says: "Calling", can: ["hang up"] },
  talking: { says: "Talking", can: ["hang up"] },
  off: { says: "The network is gone", can: [] },
  nobody: { says: "No phone", can: [] },
};

/** From the loss of the network to the next look for it. */
const AGAIN_MS = 2_000;

/** @type {keyof typeof screens} */
let shown = "off";

/** Whether this phone rings aloud: a switch on the page, and remembered where the browser remembers. */
const aloud = /** @type {HTMLInputElement} */ (byId("aloud"));
const QUIET = "earshot.phone.quiet";
const ring = newRing((held) => {
  byId("held").textContent = held ? "Without sound until you press something on this page." : "";
});
/** Rings as long as a call does that nobody has answered, if it may. */
const ringIfItMay = () => (shown === "ringing" && aloud.checked ? ring.start() : ring.stop());

/** @param {keyof typeof screens} state @param {string} [hint] */
function show(state, hint = "") {
  shown = state;
  ringIfItMay();
  const screen = screens[state];
  byId("state").textContent = screen.says;
  byId("hint").textContent = hint;
  const focused = document.activeElement;
  for (const [deed, button] of Object.entries(buttons)) button.hidden = !screen.can.includes(deed);
  /** @type {HTMLFieldSetElement} */ (byId("keypad")).disabled = state !== "talking";
  // who works by keyboard stays where something can be done
  if (focused instanceof HTMLButtonElement && (focused.hidden || focused.matches(":disabled")))
    Object.values(buttons)
      .find((button) => !button.hidden)
      ?.focus();
  document.title = `${screen.says} · ${number}`;
  if (state !== "talking") for (const meter of ["mine", "theirs"]) /** @type {HTMLMeterElement} */ (byId(meter)).value = 0;
}

/** The line to the network; another one each time it was lost. @type {WebSocket} */
let socket;
/** @param {unknown} said */
const say = (said) => socket.send(JSON.stringify(said));

function connect() {
  socket = new WebSocket(
    `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/emulator/phone?number=${encodeURIComponent(number)}`,
  );
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", heard);
  socket.addEventListener("close", lost);
}

/** The call that rings. @type {string | undefined} */
let leg;
/** @type {{ hear(frame: ArrayBuffer): void, close(): void } | null} */
let sound = null;

/**
 * Opens microphone and loudspeaker; called in a click, as browsers want it.
 * @returns {Promise<boolean>} false when the microphone is not to be had; the state says so
 */
async function openSound() {
  if (sound) return true;
  /** @type {MediaStream | null} */
  let stream = null;
  try {
    if (NO_MICROPHONE) throw new Error(NO_MICROPHONE);
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    // at the rate the browser likes: the worklet makes 16 kHz of it
    const context = new AudioContext();
    await context.audioWorklet.addModule("/pages/telephone-worklet.js");
    const telephone = new AudioWorkletNode(context, "telephone", { numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [1] });
    const played = new AnalyserNode(context, { fftSize: 1_024 });
    context.createMediaStreamSource(stream).connect(telephone).connect(played).connect(context.destination);
    const theirs = new Float32Array(played.fftSize);
    telephone.port.onmessage = ({ data }) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
      level(
        "mine",
        Float32Array.from(new Int16Array(data), (sample) => sample / 32_768),
      );
      // what really leaves for the loudspeaker
      played.getFloatTimeDomainData(theirs);
      level("theirs", theirs);
    };
    const tracks = stream.getTracks();
    sound = {
      hear: (frame) => telephone.port.postMessage(frame, [frame]),
      close: () => {
        for (const track of tracks) track.stop();
        context.close();
      },
    };
    return true;
  } catch (problem) {
    for (const track of stream?.getTracks() ?? []) track.stop();
    byId("hint").textContent = `Without a microphone this phone cannot talk: ${problem instanceof Error ? problem.message : problem}`;
    return false;
  }
}

/** @param {string} id @param {Float32Array} samples -1..1 */
function level(id, samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const meter = /** @type {HTMLMeterElement} */ (byId(id));
  meter.value = Math.max(meter.value * 0.9, Math.min(1, 4 * Math.sqrt(sum / samples.length)));
}

function closeSound() {
  sound?.close();
  sound = null;
}

/** @param {MessageEvent} event */
function heard({ data }) {
  if (typeof data !== "string") return sound?.hear(data);
  const told = JSON.parse(data);
  if (told.key) byId("hint").textContent = `They pressed ${told.key}`;
  else if (told.state === "ringing") {
    leg = told.leg;
    show("ringing", `+${told.from} calls`);
  } else if (told.state === "talking") show("talking", `with +${told.with}`);
  else if (told.state === "idle") {
    closeSound();
    show("idle", told.because ?? NO_MICROPHONE);
  } else show(told.state);
}

/** The network went away, or has no such phone: then it says which ones it has. */
async function lost() {
  closeSound();
  const people = await fetch("/emulator/people").then(
    async (answer) => /** @type {{ number: string, when_dialled: object }[]} */ ((await answer.json()).people),
    () => null,
  );
  const phones = people?.filter((person) => "browser" in person.when_dialled).map((person) => person.number);
  if (phones && !phones.includes(number)) return show("nobody", `Nobody answers ${number} in a browser here, only ${phones.join(", ")}.`);
  show("off", "When it is back, so is this phone.");
  setTimeout(connect, AGAIN_MS);
}

buttons.call.addEventListener("click", async () => {
  if (await openSound()) say({ do: "call" });
});
buttons.answer.addEventListener("click", async () => {
  const meant = leg;
  // before the microphone hears it
  ring.stop();
  if (!(await openSound())) return ringIfItMay();
  // the question for the microphone may have been answered too late
  if (shown === "ringing") say({ do: "answer", leg: meant });
  else closeSound();
});
buttons.decline.addEventListener("click", () => {
  ring.stop();
  say({ do: "decline", leg });
});
buttons["hang up"].addEventListener("click", () => say({ do: "hang up" }));
for (const digit of "123456789*0#") {
  const key = document.createElement("button");
  key.type = "button";
  key.textContent = digit;
  key.addEventListener("click", () => say({ do: "press", digit }));
  byId("keypad").append(key);
}
addEventListener("keydown", ({ key, repeat }) => {
  if (!repeat && /^[0-9*#]$/.test(key) && shown === "talking") say({ do: "press", digit: key });
});
aloud.addEventListener("change", () => {
  ringIfItMay();
  try {
    localStorage.setItem(QUIET, aloud.checked ? "" : "quiet");
  } catch {
    // a browser that keeps nothing: it holds as long as the page stands
  }
});
try {
  aloud.checked = localStorage.getItem(QUIET) !== "quiet";
} catch {
  // as above
}
byId("number").textContent = number;
show("off", "");
byId("state").textContent = "Connecting…";
connect();
