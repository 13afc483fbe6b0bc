import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Happened, PhoneLeg, WaveResult } from "./wave.ts";
import { dumps, type World } from "./world.ts";

/** Ends a call may have when nothing went wrong. */
const NATURAL = new Set(["caller_hung_up", "agent_hung_up"]);
/** What an engine said so shortly before the process died may be on its way to us. */
const IN_FLIGHT_MS = 250;
/** A socket that ends so soon after a kill ended because of it. */
const BY_THE_KILL_MS = 2_000;
/** Ringing, the carrier's rounding and its padding: what a recording may be shorter than the talk. */
const RECORDING_SLACK_MS = 1_500;

/** The silence one kill meant for one call, ms from the kill. */
export interface Gap {
  readonly call: string;
  readonly another: boolean;
  /** Until the call's audio was connected to a living process. */
  readonly line: number;
  /** Until the next sound of ours was at the carrier; null when there was none any more. */
  readonly sound: number | null;
}

export interface Verdict {
  readonly calls: number;
  /** Calls that were open when something was done to the house, and how many of them went on to their natural end. */
  readonly struck: number;
  readonly survived: number;
  /** Of the survivors with a talk after the last kill: in how many the agent spoke again. */
  readonly talkedOn: number;
  readonly gaps: readonly Gap[];
  readonly endReasons: Readonly<Record<string, number>>;
  /** Words the engine had sent, and those of them in flight at a kill that are not in the rows. */
  readonly said: number;
  readonly lostInFlight: number;
  /** Everything that must not be. */
  readonly wrong: readonly { readonly call: string; readonly what: string }[];
}

interface CallRow {
  id: string;
  status: string;
  end_reason: string | null;
  end_detail: string | null;
  phone_leg: string | null;
  answered_at: Date | null;
  ended_at: Date | null;
  socket_started_at: Date | null;
  greeting: string | null;
}
interface UtteranceRow {
  call_id: string;
  speaker: "caller" | "agent";
  engine_ref: string;
  text: string;
  started_ms: number;
  heard_ms: number | null;
}
interface RecordingRow {
  call_id: string;
  source: string;
  status: string;
  because: string | null;
  duration_ms: number | null;
}

/** Checks every call of a run against what the emulators saw. */
export async function verify(world: World, waves: readonly WaveResult[]): Promise<Verdict> {
  const ids = waves.flatMap(({ calls }) => calls);
  const { rows: calls } = await world.pool.query<CallRow>(
    `select c.id, c.status, c.end_reason, c.end_detail, c.phone_leg, c.answered_at, c.ended_at, c.socket_started_at, v.settings->>'greeting' as greeting
       from calls c left join agent_versions v on v.agent_id = c.agent_id and v.version = c.agent_version where c.id = any($1)`,
    [ids],
  );
  const { rows: utterances } = await world.pool.query<UtteranceRow>(
    "select call_id, speaker, engine_ref, text, started_ms, heard_ms from utterances where call_id = any($1) order by started_ms",
    [ids],
  );
  const { rows: recordings } = await world.pool.query<RecordingRow>(
    "select call_id, source, status, because, duration_ms from recordings where call_id = any($1)",
    [ids],
  );
  const chats = readChats(join(world.dir, dumps.evi));
  const wrong: { call: string; what: string }[] = [];
  const gaps: Gap[] = [];
  const endReasons: Record<string, number> = {};
  let [struck, survived, talkedOn, said, lostInFlight] = [0, 0, 0, 0, 0];

  for (const wave of waves) {
    for (const id of wave.open) wrong.push({ call: id, what: "has not ended" });
    for (const id of wave.calls) {
      const call = calls.find((one) => one.id === id);
      if (call === undefined) {
        wrong.push({ call: id, what: "has no row" });
        continue;
      }
      const tell = (what: string): void => void wrong.push({ call: id, what });
      endReasons[call.end_reason ?? "none"] = (endReasons[call.end_reason ?? "none"] ?? 0) + 1;
      const mine = utterances.filter((one) => one.call_id === id);
      const strikes = wave.happened.filter((one) => one.calls.includes(id));
      const legs = wave.legs.filter((leg) => leg.call === call.phone_leg);
      const phone = legs.find(({ kind }) => kind === "phone");
      const sockets = legs.filter(({ kind }) => kind !== "phone");
      const natural = NATURAL.has(call.end_reason ?? "");
      if (!natural)
        tell(`ended as ${call.end_reason} (${call.end_detail})${strikes.length === 0 ? ", though nothing was done to it" : ""}`);
      if (strikes.length > 0) {
        struck++;
        if (natural) survived++;
        const last = strikes.at(-1) as Happened;
        const zero = call.answered_at?.getTime() ?? 0;
        if (natural && mine.some((one) => one.speaker === "agent" && zero + one.started_ms > last.at)) talkedOn++;
      }
      for (const strike of strikes) {
        if (strike.what !== "server killed") continue;
        const gap = gapOf(world, id, strike, phone, sockets);
        if (gap === "none came") tell(`its audio never came back after a kill`);
        else if (gap !== null) gaps.push(gap);
      }
      checkWords(call, mine, chats.get(id) ?? [], wave.happened, sockets, tell, (all, lost) => {
        said += all;
        lostInFlight += lost;
      });
      checkRecordings(
        call,
        recordings.filter((one) => one.call_id === id),
        strikes.length > 0,
        tell,
      );
    }
  }
  return { calls: ids.length, struck, survived, talkedOn, gaps, endReasons, said, lostInFlight, wrong };
}

/** Null: the kill did not touch this call's audio. */
function gapOf(
  world: World,
  call: string,
  strike: Happened,
  phone: PhoneLeg | undefined,
  sockets: readonly PhoneLeg[],
): Gap | null | "none came" {
  const cut = sockets.find(({ ended_at, answered_at }) => {
    const end = Date.parse(ended_at ?? "");
    return answered_at !== null && Date.parse(answered_at) < strike.at && end >= strike.at - 50 && end <= strike.at + BY_THE_KILL_MS;
  });
  if (cut === undefined || cut.audio?.closeCode !== 1006) return null;
  const next = sockets
    .filter(({ answered_at }) => answered_at !== null && Date.parse(answered_at) >= strike.at)
    .sort((a, b) => Date.parse(a.answered_at as string) - Date.parse(b.answered_at as string))[0];
  if (next === undefined) return phone?.ended_by === "user" ? null : "none came";
  const openedAt = Date.parse(next.answered_at as string);
  const facts = JSON.parse(readFileSync(join(world.dir, dumps.phone, `${next.uuid}.json`), "utf8")) as { receivedAtMs: number[] };
  const [first] = facts.receivedAtMs;
  return { call, another: strike.another, line: openedAt - strike.at, sound: first === undefined ? null : openedAt + first - strike.at };
}

interface Chat {
  /** Final words of the caller, and words of the agent, as they were sent. */
  readonly words: readonly {
    readonly at: number;
    readonly speaker: "caller" | "agent";
    readonly id: string;
    readonly text: string;
    readonly opens: boolean;
  }[];
  /** When the first sound of an agent's words was sent, by their id. */
  readonly sounds: ReadonlyMap<string, number>;
}

function checkWords(
  call: CallRow,
  rows: readonly UtteranceRow[],
  chats: readonly Chat[],
  happened: readonly Happened[],
  sockets: readonly PhoneLeg[],
  tell: (what: string) => void,
  count: (said: number, lost: number) => void,
): void {
  const refs = rows.map(({ engine_ref }) => engine_ref);
  if (new Set(refs).size !== refs.length) tell("an utterance has two rows");
  const greetings = rows.filter(
    ({ speaker, text, heard_ms }) => speaker === "agent" && isGreeting(text, call) && (heard_ms === null || heard_ms > 1_000),
  );
  if (greetings.length > 1) tell(`the greeting was spoken ${greetings.length} times`);
  if (
    rows.some(({ speaker, heard_ms }) => speaker === "agent" && heard_ms !== 0) &&
    !rows.some(({ speaker, text }) => speaker === "agent" && isGreeting(text, call))
  )
    tell("the greeting was never spoken");
  const unmatched = rows.filter(({ speaker }) => speaker === "caller").map(({ text }) => text);
  const inFlight = (at: number): boolean => happened.some((one) => at <= one.at + 50 && at > one.at - IN_FLIGHT_MS);
  const endedAt = call.ended_at?.getTime() ?? Number.POSITIVE_INFINITY;
  for (const chat of chats)
    for (const { at, speaker, id, text, opens } of chat.words) {
      if (speaker === "caller") {
        const found = unmatched.indexOf(text);
        if (found >= 0) unmatched.splice(found, 1);
        else if (!inFlight(at)) tell(`the caller's words "${text}" are in no row`);
        count(1, found < 0 && inFlight(at) ? 1 : 0);
      } else {
        const sound = chat.sounds.get(id);
        const attached = sockets.some(
          (leg) =>
            leg.answered_at !== null &&
            Date.parse(leg.answered_at) + 400 < (sound ?? at) &&
            Date.parse(leg.ended_at ?? "") > (sound ?? at) + 400,
        );
        if (!opens || sound === undefined || !attached || sound > endedAt - 500) continue;
        // What was dropped before a sound of it was heard is said anew by the session that follows: its words are there, under that one's id.
        const found = refs.includes(id) || rows.some((row) => row.speaker === "agent" && row.text === text);
        if (!found && !happened.some((one) => sound <= one.at + 50 && sound > one.at - 400))
          tell(`the agent's words "${text.slice(0, 40)}" are in no row`);
        count(1, found ? 0 : 1);
      }
    }
  if (unmatched.length > 0 && chats.length > 0) tell(`${unmatched.length} of the caller's rows were never said: ${unmatched.join(" / ")}`);
}

/** The greeting's first words, with the variables filled in or not. */
const isGreeting = (text: string, { greeting }: CallRow): boolean => {
  const opening = (greeting ?? "").split(/[{.!?]/)[0]?.trim() ?? "";
  return opening.length > 1 && text.startsWith(opening) && text.length >= opening.length;
};

function checkRecordings(call: CallRow, recordings: readonly RecordingRow[], struck: boolean, tell: (what: string) => void): void {
  if (call.answered_at === null || call.ended_at === null || call.socket_started_at === null) return;
  const talkMs = call.ended_at.getTime() - call.socket_started_at.getTime();
  if (talkMs < 1_000) return;
  const playable = recordings.filter(({ status, duration_ms }) => ["stored", "verified"].includes(status) && duration_ms !== null);
  const longest = Math.max(0, ...playable.map(({ duration_ms }) => duration_ms as number));
  if (playable.length === 0)
    tell(
      `nothing plays: ${recordings.map((one) => `${one.source} ${one.status} ${one.because ?? ""}`).join(", ") || "no recording at all"}`,
    );
  else if (longest < talkMs - RECORDING_SLACK_MS) tell(`its longest recording has ${longest} ms of ${talkMs} ms`);
  // What the caller said into the gap, only the carrier could hear: the comparison says so of our own recording, and rightly.
  for (const one of recordings)
    if (!(struck && one.because === "JOURNAL_INCOMPLETE") && !["stored", "verified"].includes(one.status))
      tell(`its ${one.source} recording is ${one.status} (${one.because})`);
  const journal = playable.find(({ source }) => source === "journal");
  if (journal && (journal.duration_ms as number) < talkMs - RECORDING_SLACK_MS)
    tell(`its journal has ${journal.duration_ms} ms of ${talkMs} ms`);
}

/** What the engine's emulator wrote of its chats, by our call id. */
function readChats(folder: string): Map<string, Chat[]> {
  const byCall = new Map<string, Chat[]>();
  for (const name of readdirSync(folder).filter((one) => one.endsWith(".messages.jsonl"))) {
    let call: string | null = null;
    let opens = true;
    const words: Chat["words"][number][] = [];
    const sounds = new Map<string, number>();
    for (const line of readFileSync(join(folder, name), "utf8").split("\n")) {
      if (line === "") continue;
      const { at, in: told, out } = JSON.parse(line) as { at: number; in?: Record<string, unknown>; out?: Record<string, unknown> };
      if (typeof told?.custom_session_id === "string") call = told.custom_session_id;
      const content = (out?.message as { content?: string } | undefined)?.content ?? "";
      const id = String(out?.id ?? "");
      if (out?.type === "user_message" && out.interim !== true) {
        words.push({ at, speaker: "caller", id, text: content, opens: false });
        opens = true;
      }
      if (out?.type === "assistant_message") {
        words.push({ at, speaker: "agent", id, text: content, opens });
        opens = false;
      }
      if (out?.type === "audio_output" && !sounds.has(id)) sounds.set(id, at);
    }
    // An engine opened in vain, by a process the audio did not come to, was never on the line: nobody heard what it said.
    const heard = statSync(join(folder, name.replace(".messages.jsonl", ".heard.pcm")), { throwIfNoEntry: false })?.size ?? 0;
    if (call !== null && heard > 0) byCall.set(call, [...(byCall.get(call) ?? []), { words, sounds }]);
  }
  return byCall;
}
