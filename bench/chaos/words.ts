import { type Chat, type Connected, soundingFrom } from "./chats.ts";

/** What the engine said so shortly before a process or a connection died may be on its way to us. */
const IN_FLIGHT_MS = 250;
/** A sentence that began to sound so shortly before may not be written yet: the carrier's and our clock, and a batch of rows. */
const JUST_BEGUN_MS = 400;
/** Words that come while the line is being closed are heard by nobody. */
const CLOSING_MS = 500;

/** Each process that takes a call up says so: after two kills the caller hears it twice, and rightly. */
const BACK_AGAIN = "Sorry, we were cut off";

/** Begins the ref of a row that was filled in from the engine's history after the call, and says so. */
const FILLED = "history:";

export interface Row {
  readonly speaker: "caller" | "agent";
  readonly engine_ref: string;
  readonly text: string;
  readonly started_ms: number;
  readonly ended_ms: number | null;
  /** Null: to its end, or as far as it sounded when its process died. */
  readonly heard_ms: number | null;
}

export interface WordsOfCall {
  readonly rows: readonly Row[];
  /** Oldest first, those that were never on the line too. */
  readonly chats: readonly Chat[];
  readonly connected: readonly Connected[];
  /** When something was done that reached this call: its server killed, its engine's connection cut. Ms of the wall clock. */
  readonly blows: readonly number[];
  readonly endedAt: number;
  /** The greeting's first words; empty: the agent has none. */
  readonly greeting: string;
}

export interface WordsFound {
  readonly wrong: readonly string[];
  /** Words the engine sent that had to be kept. */
  readonly said: number;
  /** Words that came in the last moment before a blow to this call, and those of them that are in no row. */
  readonly inFlight: number;
  readonly lostInFlight: number;
  /** Sessions that went on with a talk begun before, and those of them that knew of it. */
  readonly resumed: number;
  readonly remembered: number;
}

/** Are the engine's words in the rows, each once, and nothing else? Pure. */
export function checkWords(call: WordsOfCall): WordsFound {
  const { rows } = call;
  const chats = call.chats.filter(({ heard }) => heard);
  const wrong: string[] = [];
  let [said, inFlight, lostInFlight, resumed, remembered] = [0, 0, 0, 0, 0];
  const refs = new Set(rows.map(({ engine_ref }) => engine_ref));
  if (refs.size !== rows.length) wrong.push("an utterance has two rows");
  const keep = (isThere: boolean, isExcused: boolean, what: string): void => {
    said++;
    if (isExcused) inFlight++;
    if (isThere) return;
    if (isExcused) lostInFlight++;
    else wrong.push(what);
  };
  const justBefore = (at: number, ms: number): boolean => call.blows.some((blow) => at <= blow + 50 && at > blow - ms);

  const unmatched = rows.filter(({ speaker }) => speaker === "caller").map(({ text }) => text);
  for (const chat of chats) {
    const began = soundingFrom(chat, call.connected);
    for (const { at, speaker, id, text } of chat.words) {
      if (speaker === "caller") {
        const found = unmatched.indexOf(text);
        if (found >= 0) unmatched.splice(found, 1);
        keep(found >= 0, justBefore(at, IN_FLIGHT_MS), `the caller's words "${text}" are in no row`);
        continue;
      }
      // Said while the speech of the session before still sounds, and cut away with it before it begins: nobody heard it.
      if (text.startsWith(BACK_AGAIN) && !refs.has(id)) continue;
      const start = began.get(id);
      // A sentence nobody heard the beginning of is said anew by the session that follows, or was cut away.
      if (start === undefined || call.blows.some((blow) => blow > at && blow < start)) continue;
      if (start > call.endedAt - CLOSING_MS) continue;
      keep(refs.has(id), justBefore(start, JUST_BEGUN_MS), `the agent's words "${text.slice(0, 60)}" are in no row`);
    }
  }
  if (unmatched.length > 0 && chats.length > 0)
    wrong.push(`${unmatched.length} of the caller's rows were never said: ${unmatched.join(" / ")}`);
  const sent = call.chats.flatMap(({ words }) => words.filter(({ speaker }) => speaker === "agent"));
  const isSent = new Set(sent.flatMap(({ id, text }) => [id, `${FILLED}${text}`]));
  for (const { speaker, engine_ref, text } of rows)
    if (speaker === "agent" && chats.length > 0 && !isSent.has(engine_ref.startsWith(FILLED) ? `${FILLED}${text}` : engine_ref))
      wrong.push(`the agent's row "${text.slice(0, 60)}" was never said`);

  wrong.push(...greetedOnce(rows, call.greeting), ...heardTwice(rows, chats));
  for (const [nth, chat] of chats.entries()) {
    const before = chats.slice(0, nth);
    const own = new Set(chat.words.map(({ id }) => id));
    const earlier = rows.filter(
      (row) =>
        !own.has(row.engine_ref) && before.some(({ words }) => words.some(({ id, text }) => id === row.engine_ref || text === row.text)),
    );
    if (earlier.length === 0) continue;
    resumed++;
    const knows =
      before.some(({ group }) => group === chat.group) || earlier.some(({ text }) => chat.told.includes(JSON.stringify(text).slice(1, -1)));
    if (knows) remembered++;
    else wrong.push("a session that went on with the talk was neither resumed nor told what had been said");
  }
  return { wrong, said, inFlight, lostInFlight, resumed, remembered };
}

function greetedOnce(rows: readonly Row[], opening: string): string[] {
  const isGreeting = (row: Row): boolean => row.speaker === "agent" && opening.length > 1 && row.text.startsWith(opening);
  const heard = rows.filter(
    (row) => isGreeting(row) && (row.heard_ms ?? (row.ended_ms ?? Number.POSITIVE_INFINITY) - row.started_ms) > 1_000,
  );
  if (heard.length > 1) return [`the greeting was spoken ${heard.length} times`];
  const talked = rows.some(({ speaker, heard_ms }) => speaker === "agent" && heard_ms !== 0);
  return talked && opening.length > 1 && !rows.some(isGreeting) ? ["the greeting was never spoken"] : [];
}

/** A sentence the caller heard to its end in one session, and again in a later one, without having said a word between them. */
function heardTwice(rows: readonly Row[], chats: readonly Chat[]): string[] {
  const sessionOf = (row: Row): number => chats.findIndex(({ words }) => words.some(({ id }) => id === row.engine_ref));
  const whole = (row: Row): boolean => {
    const ms = chats.flatMap(({ sounds }) => sounds.get(row.engine_ref) ?? [])[0]?.ms ?? 0;
    return row.speaker === "agent" && (row.heard_ms === null || row.heard_ms > ms - 200);
  };
  return rows.flatMap((row, at) => {
    if (!whole(row) || row.text.startsWith(BACK_AGAIN)) return [];
    const word = rows.findIndex((other, later) => later > at && other.speaker === "caller");
    const again = rows
      .slice(at + 1, word < 0 ? undefined : word)
      .find((other) => other.text === row.text && whole(other) && sessionOf(other) > sessionOf(row));
    return again === undefined ? [] : [`the agent's words "${row.text.slice(0, 60)}" were said again by the next session`];
  });
}
