import { get, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { type Call, type LiveChange, page, Utterance } from "@earshot/contract/call";
import { endReasons } from "@earshot/contract/status";
import { say, tone, width, wrap } from "./terminal.ts";

/** The first call of a new installation, shown as it happens. Everything here is read from the public API. */

/** The polite caller of the emulated network. */
const WHOM = "+12025550101";
const DEADLINE_MS = 240_000;
/** An utterance is shown when its feelings are known, at the latest after this. */
const FEELINGS_WITHIN_MS = 2_500;
/** The live stream says when to read again; should it break, we look by ourselves this often. */
const LOOK_EVERY_MS = 2_000;

export interface Demo {
  /** The server's. */
  readonly url: string;
  /** API key. */
  readonly key: string;
  /** Aborted when Earshot is stopped. */
  readonly signal: AbortSignal;
}

/** Places the demonstration call and shows it until its recording is stored. Never throws: a demonstration that fails says so. */
export async function runDemo({ url, key, signal }: Demo): Promise<void> {
  // One controller, wired by hand: a signal made with AbortSignal.any may be collected before it can abort a stream.
  const over = new AbortController();
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    over.abort();
  }, DEADLINE_MS);
  const stop = (): void => over.abort();
  signal.addEventListener("abort", stop);
  const ask = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const headers = { authorization: `Bearer ${key}`, ...(init.body ? { "content-type": "application/json" } : {}) };
    const answer = await fetch(new URL(path, url), { ...init, headers, signal: over.signal });
    const body = (await answer.json()) as T & { title?: string; remedy?: string };
    if (!answer.ok) throw new Error(`${body.title ?? answer.status} ${body.remedy ?? ""}`);
    return body;
  };
  try {
    const changes = await listen(url, key, over.signal);
    say(`  ${tone("bold", "A first call, to the polite caller")} ${tone("dim", WHOM)}`);
    say();
    const call = await ask<Call>("/api/calls", { method: "POST", body: JSON.stringify({ to: WHOM, customer_name: "Polite Caller" }) });
    const teller = new Teller();
    for (;;) {
      const now = await ask<Call>(`/api/calls/${call.id}`);
      const said = page(Utterance).parse(await ask(`/api/calls/${call.id}/utterances?limit=100`)).items;
      teller.tell(now, said);
      if (teller.isDone) break;
      await changes.of(call.id, teller.isWaiting ? 200 : LOOK_EVERY_MS);
    }
    say();
    say(`  Hear it, read it: ${tone("bold", `${url}/calls/${call.id}`)}`);
  } catch (error) {
    if (signal.aborted) return;
    const why = isLate ? "it took longer than four minutes" : (error as Error).message;
    say(`  ${tone("bad", `The demonstration call went wrong: ${why}.`)} The call's page and the logs know more.`);
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", stop);
    over.abort(); // the live stream
  }
}

// ---- what happened, line by line -----------------------------------------------------------------------------------------------

const FACTS_COLUMN = 11;
const FEELING_COLUMN = 24;

/** Prints each fact of a call once, in the order it is learnt. */
class Teller {
  isDone = false;
  /** Is an utterance held back until its feelings are known? */
  isWaiting = false;
  readonly #told = new Set<string>();
  readonly #seenAt = new Map<string, number>();

  tell(call: Call, said: readonly Utterance[]): void {
    const sinceStart = (at: string): number => Date.parse(at) - Date.parse(call.created_at);
    if (call.dialed_at) this.#once("dialing", sinceStart(call.dialed_at), "dialing", call.to ?? "");
    if (call.ringing_at) this.#once("ringing", sinceStart(call.ringing_at), "ringing", "");
    if (call.started_at) {
      const answeredMs = sinceStart(call.started_at);
      this.#once("answered", answeredMs, "answered", "");
      this.#utterances(said, answeredMs, call.status === "ended");
    }
    if (call.status === "ended" && call.ended_at && !this.isWaiting) {
      const reason = call.end_reason === null ? "" : endReasons[call.end_reason].said;
      this.#once(
        "ended",
        sinceStart(call.ended_at),
        "ended",
        call.duration_ms === null ? reason : `${reason}, after ${seconds(call.duration_ms)}`,
      );
      this.#recording(call, sinceStart);
    }
  }

  #utterances(said: readonly Utterance[], answeredMs: number, isOver: boolean): void {
    this.isWaiting = false;
    for (const [index, utterance] of said.entries()) {
      if (this.#told.has(utterance.id)) continue;
      const [strongest] = Object.entries(utterance.emotions);
      const seenAt = this.#seenAt.get(utterance.id) ?? performance.now();
      this.#seenAt.set(utterance.id, seenAt);
      const isLast = index === said.length - 1;
      if (!strongest && isLast && !isOver && performance.now() - seenAt < FEELINGS_WITHIN_MS) {
        this.isWaiting = true;
        return;
      }
      this.#told.add(utterance.id);
      const feeling = strongest ? `${strongest[0].toLowerCase()} ${strongest[1].toFixed(2)}` : "";
      print(
        answeredMs + utterance.started_ms,
        tone(utterance.speaker, utterance.speaker.padEnd(FACTS_COLUMN)),
        utterance.text,
        feeling,
        utterance.speaker,
      );
    }
  }

  #recording(call: Call, sinceStart: (at: string) => number): void {
    const { status, stored_at, duration_ms, size_bytes, because } = call.recording;
    if ((status === "stored" || status === "verified") && duration_ms !== null) {
      const size = size_bytes === null ? "" : `, ${Math.round(size_bytes / 1000)} kB`;
      this.#once("recording", stored_at ? sinceStart(stored_at) : null, "recording", `stored: ${seconds(duration_ms)}${size}`);
      this.isDone = true;
    } else if (status === "missing" || status === "failed" || status === "refused" || status === "none") {
      this.#once("recording", null, "recording", because ? `${because.message} ${because.remedy}` : status);
      this.isDone = true;
    }
  }

  #once(fact: string, atMs: number | null, what: string, text: string): void {
    if (this.#told.has(fact)) return;
    this.#told.add(fact);
    print(atMs, tone("bold", what.padEnd(FACTS_COLUMN)), text, "", null);
  }
}

/** One fact: time, what, text wrapped in its column, and at the right how it sounded. */
function print(atMs: number | null, what: string, text: string, feeling: string, speaker: "caller" | "agent" | null): void {
  const time = atMs === null ? "" : clock(atMs);
  const columns = width() - 2 - 9 - FACTS_COLUMN - FEELING_COLUMN - 2;
  const [first = "", ...rest] = wrap(text, columns);
  const spoken = (line: string): string => (speaker === null ? line : tone(speaker, line));
  const right = feeling === "" ? "" : " ".repeat(Math.max(0, columns - first.length) + 2) + tone("dim", feeling);
  say(`  ${tone("dim", time.padStart(7))}  ${what}${spoken(first)}${right}`);
  for (const line of rest) say(" ".repeat(2 + 9 + FACTS_COLUMN) + spoken(line));
}

/** 83400 -> "1:23.4" */
function clock(ms: number): string {
  const tenths = Math.max(0, Math.round(ms / 100));
  return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, "0")}.${tenths % 10}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

// ---- the live stream -----------------------------------------------------------------------------------------------------------

/** Waits for news of a call: resolves with the first since the last time it was asked, at the latest after `withinMs`. */
interface Changes {
  of(call: string, withinMs: number): Promise<void>;
}

/** Opens GET /api/live (server-sent events). Should it break, callers are simply woken by time. */
async function listen(url: string, key: string, signal: AbortSignal): Promise<Changes> {
  const news = new Set<string>();
  let wake: () => void = () => {};
  // A connection of its own, not one of fetch's pool: that opens a new one when a stream is aborted, and an unused connection keeps the
  // server from closing (Node counts only connections that had a request as idle).
  const stream = await new Promise<IncomingMessage>((opened, failed) => {
    const headers = { authorization: `Bearer ${key}`, accept: "text/event-stream" };
    get(new URL("/api/live", url), { headers, agent: false, signal }, (answer) => {
      if (answer.statusCode === 200) return opened(answer);
      failed(new Error(`the live stream answered ${answer.statusCode}`));
      answer.destroy();
    }).once("error", failed);
  });
  stream.on("error", () => {});
  createInterface({ input: stream })
    .on("line", (line) => {
      if (!line.startsWith("data:")) return;
      const { call_id } = JSON.parse(line.slice(5)) as Partial<LiveChange>;
      if (call_id === undefined) return;
      news.add(call_id);
      wake();
    })
    .on("error", () => {});
  return {
    async of(call, withinMs) {
      const end = performance.now() + withinMs;
      while (!news.delete(call) && performance.now() < end) {
        await new Promise<void>((woken) => {
          const timer = setTimeout(woken, end - performance.now());
          wake = () => {
            clearTimeout(timer);
            woken();
          };
        });
        signal.throwIfAborted();
      }
    },
  };
}
