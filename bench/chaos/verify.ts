import { join } from "node:path";
import { type Chat, type Connected, readChats } from "./chats.ts";
import { type Gap, gapOf } from "./gaps.ts";
import { anotherLived, type Happened, type PhoneLeg, type WaveResult } from "./wave.ts";
import { checkWords, type Row } from "./words.ts";
import { dumps, type World } from "./world.ts";

/** Ends a call may have when nothing went wrong. */
const NATURAL = new Set(["caller_hung_up", "agent_hung_up"]);
/** Ringing, the carrier's rounding and its padding: what a recording may be shorter than the talk. */
const RECORDING_SLACK_MS = 1_500;
/** Parts of a call's words by which the person has said what they came for (people.ts). */
const GOODBYE = "Goodbye";

export interface Verdict {
  readonly calls: number;
  /**
   * Calls that were open when something was done to the house, but not to the phone network, and those of them that lived on: their line came back
   * after every kill, and they went on to their natural end. A caller who gives up in the silence is not a survivor.
   */
  readonly struck: number;
  readonly survived: number;
  /** People who hung up before they heard anything of us again, though they had more to say; and those who had said goodbye before the kill. */
  readonly gaveUp: number;
  readonly leftAfterGoodbye: number;
  /** Of the survivors: in how many the agent spoke again after the last incident. */
  readonly talkedOn: number;
  /** Calls that did not survive because they were picked up just while no process of ours lived. */
  readonly unmet: number;
  /** Calls that ended with an apology, because the engine's own process was dead for too long; in none of the figures above. */
  readonly apologised: number;
  readonly gaps: readonly Gap[];
  readonly endReasons: Readonly<Record<string, number>>;
  /** Words the engine had sent; those in flight at a blow to their call, and those of these that are not in the rows. */
  readonly said: number;
  readonly inFlight: number;
  readonly lostInFlight: number;
  /** Sessions that went on with a talk, and those that knew what had been said. */
  readonly resumed: number;
  readonly remembered: number;
  /** Calls the phone network took with it, and those of them that ended with a reason and play. */
  readonly phoneless: number;
  readonly phonelessKept: number;
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
interface UtteranceRow extends Row {
  readonly call_id: string;
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
    "select call_id, speaker, engine_ref, text, started_ms, ended_ms, heard_ms from utterances where call_id = any($1) order by started_ms",
    [ids],
  );
  const { rows: recordings } = await world.pool.query<RecordingRow>(
    "select call_id, source, status, because, duration_ms from recordings where call_id = any($1)",
    [ids],
  );
  const chats = readChats(join(world.dir, dumps.evi));
  const servers = world.servers.map(({ name }) => name);
  const wrong: { call: string; what: string }[] = [];
  const gaps: Gap[] = [];
  const endReasons: Record<string, number> = {};
  const sum = {
    struck: 0,
    survived: 0,
    gaveUp: 0,
    leftAfterGoodbye: 0,
    talkedOn: 0,
    apologised: 0,
    unmet: 0,
    phoneless: 0,
    phonelessKept: 0,
  };
  const words = { said: 0, inFlight: 0, lostInFlight: 0, resumed: 0, remembered: 0 };

  for (const wave of waves) {
    for (const id of wave.open) wrong.push({ call: id, what: "has not ended" });
    for (const id of wave.calls) {
      const call = calls.find((one) => one.id === id);
      if (call === undefined) {
        wrong.push({ call: id, what: "has no row" });
        continue;
      }
      const before = wrong.length;
      const tell = (what: string): void => void wrong.push({ call: id, what });
      endReasons[call.end_reason ?? "none"] = (endReasons[call.end_reason ?? "none"] ?? 0) + 1;
      const mine = utterances.filter((one) => one.call_id === id);
      const talk = chats.get(id) ?? [];
      const strikes = wave.happened.filter((one) => one.calls.includes(id));
      const phoneless = strikes.find(({ what }) => what === "phone network killed");
      const legs = wave.legs.filter((leg) => leg.call === call.phone_leg);
      const phone = legs.find(({ kind }) => kind === "phone");
      const sockets = legs.filter(({ kind }) => kind !== "phone");
      const natural = NATURAL.has(call.end_reason ?? "");
      // An engine that is away for longer than a caller can wait is apologised for (server/src/bridge): an end with a reason, and no fault of ours.
      const engineAway = call.end_reason === "engine_failed" && strikes.some(({ what }) => what === "engine restarted");
      if (engineAway) sum.apologised++;
      const unmet = !natural && pickedUpAlone(call, servers, wave.happened);
      if (unmet) sum.unmet++;
      if (unmet) tell("was picked up while no process of ours lived, and the carrier, which asks twice and then the fallback, gave it up");
      else if (phoneless === undefined && !natural && !engineAway)
        tell(`ended as ${call.end_reason} (${call.end_detail})${strikes.length === 0 ? ", though nothing was done to it" : ""}`);
      if (phoneless !== undefined && call.end_reason === null) tell("has no reason of its end");

      const blows: number[] = [];
      let gapMs = 0;
      let lives = true;
      for (const strike of strikes) {
        if (strike.what === "phone network killed") blows.push(strike.at);
        if (strike.what === "engine sockets dropped" || strike.what === "engine restarted") {
          if (talk.some((chat) => !chat.closed && chat.lastAt >= strike.at - 10_000 && chat.lastAt <= strike.at + 1_000))
            blows.push(strike.at);
        }
        if (strike.what !== "server killed") continue;
        const gap = gapOf(join(world.dir, dumps.phone), strike, { servers, happened: wave.happened }, phone, sockets);
        // Whoever heard the apology just then was to get no audio of ours any more.
        if (gap === null || (gap.came === "none" && engineAway)) continue;
        blows.push(strike.at);
        gaps.push(gap);
        if (gap.came === "line") gapMs += gap.line;
        if (gap.came === "none") {
          lives = false;
          tell("its audio never came back after a kill");
        } else if (gap.came === "hung up") {
          if (saidGoodbye(talk, strike.at)) sum.leftAfterGoodbye++;
          else {
            lives = false;
            sum.gaveUp++;
          }
        }
      }
      if (strikes.length > 0 && phoneless === undefined && !engineAway) {
        sum.struck++;
        if (natural && lives) sum.survived++;
        const last = strikes.at(-1) as Happened;
        const zero = call.answered_at?.getTime() ?? 0;
        if (natural && lives && mine.some((one) => one.speaker === "agent" && zero + one.started_ms > last.at)) sum.talkedOn++;
      }
      const found = checkWords({
        rows: mine,
        chats: talk,
        connected: phoneless === undefined ? connectedOf(sockets) : untilThePhoneDied(call, phoneless),
        blows,
        endedAt: call.ended_at?.getTime() ?? Number.POSITIVE_INFINITY,
        greeting: (call.greeting ?? "").split(/[{.!?]/)[0]?.trim() ?? "",
      });
      for (const what of found.wrong) tell(what);
      for (const name of Object.keys(words) as (keyof typeof words)[]) words[name] += found[name];
      checkRecordings(
        call,
        recordings.filter((one) => one.call_id === id),
        { struck: strikes.length > 0, gapMs },
        engineAway ? "no more talk" : (phoneless?.at ?? null),
        tell,
      );
      if (phoneless !== undefined) {
        sum.phoneless++;
        if (wrong.length === before) sum.phonelessKept++;
      }
    }
  }
  return { calls: ids.length, ...sum, ...words, gaps, endReasons, wrong };
}

/** A carrier that is refused the instructions of a call asks for some seconds and then ends it (vonage-voice §3). */
const ASKS_FOR_MS = 3_000;

function pickedUpAlone(call: CallRow, servers: readonly string[], happened: readonly Happened[]): boolean {
  if (call.answered_at === null || call.socket_started_at !== null) return false;
  const answeredAt = call.answered_at.getTime();
  const near = happened.some(({ server, at, backMs }) => server !== null && answeredAt > at - ASKS_FOR_MS && answeredAt < at + backMs);
  return near && !anotherLived(servers, happened, answeredAt, answeredAt + ASKS_FOR_MS);
}

const saidGoodbye = (talk: readonly Chat[], before: number): boolean =>
  talk.some(({ words }) => words.some(({ speaker, text, at }) => speaker === "caller" && at < before && text.includes(GOODBYE)));

const connectedOf = (sockets: readonly PhoneLeg[]): Connected[] =>
  sockets.flatMap(({ answered_at, ended_at }) =>
    answered_at === null
      ? []
      : [{ from: Date.parse(answered_at), to: ended_at === null ? Number.POSITIVE_INFINITY : Date.parse(ended_at) }],
  );

/** The network that could tell when it was connected is gone: our own row knows when its audio came. */
const untilThePhoneDied = (call: CallRow, { at }: Happened): Connected[] =>
  call.socket_started_at === null ? [] : [{ from: call.socket_started_at.getTime(), to: at }];

function checkRecordings(
  call: CallRow,
  recordings: readonly RecordingRow[],
  { struck, gapMs }: { readonly struck: boolean; readonly gapMs: number },
  until: number | "no more talk" | null,
  tell: (what: string) => void,
): void {
  if (call.answered_at === null || call.ended_at === null || call.socket_started_at === null) return;
  // Nobody tells us when the phone network died: the talk lasted until then, whenever the call was given up.
  const endedAt = Math.min(call.ended_at.getTime(), typeof until === "number" ? until : Number.POSITIVE_INFINITY);
  const talkMs = endedAt - call.socket_started_at.getTime();
  if (talkMs < 1_000) return;
  const playable = recordings.filter(({ status, duration_ms }) => ["stored", "verified"].includes(status) && duration_ms !== null);
  const longest = Math.max(0, ...playable.map(({ duration_ms }) => duration_ms as number));
  if (playable.length === 0)
    tell(
      `nothing plays: ${recordings.map((one) => `${one.source} ${one.status} ${one.because ?? ""}`).join(", ") || "no recording at all"}`,
    );
  // The apology is the carrier's, in a conversation of its own.
  else if (until !== "no more talk" && longest < talkMs - gapMs - RECORDING_SLACK_MS)
    tell(`its longest recording has ${longest} ms of ${talkMs} ms`);
  // What the caller said into the gap, only the carrier could hear: the comparison says so of our own recording, and rightly.
  for (const one of recordings) {
    // The network took its recording with it: that must be said, and is no fault.
    if (typeof until === "number" && one.source === "carrier") continue;
    // The carrier announces its recording once; told to a dead process, it is missing, says so, and ours plays.
    const isExcused = struck && (one.because === "JOURNAL_INCOMPLETE" || one.because === "RECORDING_NOT_ANNOUNCED");
    if (!isExcused && !["stored", "verified"].includes(one.status)) tell(`its ${one.source} recording is ${one.status} (${one.because})`);
  }
  const journal = playable.find(({ source }) => source === "journal");
  if (until !== "no more talk" && journal && (journal.duration_ms as number) < talkMs - gapMs - RECORDING_SLACK_MS)
    tell(`its journal has ${journal.duration_ms} ms of ${talkMs} ms`);
}
