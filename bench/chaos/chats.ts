import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Words as the engine's emulator sent them. */
export interface Sent {
  /** Wall clock, ms. */
  readonly at: number;
  readonly speaker: "caller" | "agent";
  readonly id: string;
  readonly text: string;
}

/** One chat of a call, as the engine's emulator saw it. */
export interface Chat {
  readonly id: string;
  readonly group: string;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly words: readonly Sent[];
  /** Sound of the agent by the id of its sentence: when the first of it was sent, and how long all of it is. */
  readonly sounds: ReadonlyMap<string, { readonly at: number; readonly ms: number }>;
  /** When the emulator told that the caller cut in. */
  readonly cuts: readonly number[];
  /** Everything our side told this chat about the talk before it. */
  readonly told: string;
  /** Did it end as chats do, and not because a process or a connection died? */
  readonly closed: boolean;
  /** Did it hear anything of the call? One opened in vain, by a process the audio did not come to, was never on the line. */
  readonly heard: boolean;
}

/** 48 kHz, 16 bits, one channel. */
const BYTES_A_MS = 96;

/** All chats by our call id, oldest first. */
export function readChats(folder: string): Map<string, Chat[]> {
  const byCall = new Map<string, Chat[]>();
  for (const name of readdirSync(folder).filter((one) => one.endsWith(".messages.jsonl"))) {
    const file = (ending: string): string => join(folder, name.replace(".messages.jsonl", ending));
    const heard = (statSync(file(".heard.pcm"), { throwIfNoEntry: false })?.size ?? 0) > 0;
    const id = name.replace(".messages.jsonl", "");
    const { call, chat } = readChat(id, readFileSync(join(folder, name), "utf8"), { code: codeOf(file(".json")), heard });
    if (call !== null) byCall.set(call, [...(byCall.get(call) ?? []), chat]);
  }
  for (const chats of byCall.values()) chats.sort((a, b) => a.firstAt - b.firstAt);
  return byCall;
}

function codeOf(file: string): number | null {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { code: number }).code : null;
}

/** `lines`: the emulator's dump of its messages; `code`: with which its socket was closed, null when the emulator was killed first. Pure. */
export function readChat(
  id: string,
  lines: string,
  { code, heard: wasHeard }: { code: number | null; heard: boolean },
): { readonly call: string | null; readonly chat: Chat } {
  let call: string | null = null;
  let group = "";
  let told = "";
  let [firstAt, lastAt] = [Number.POSITIVE_INFINITY, 0];
  const words: Sent[] = [];
  const sounds = new Map<string, { at: number; ms: number }>();
  const cuts: number[] = [];
  for (const line of lines.split("\n")) {
    // The last line of a killed emulator may be half a line.
    if (!line.endsWith("}")) continue;
    const { at, in: heard, out } = JSON.parse(line) as { at: number; in?: Record<string, unknown>; out?: Record<string, unknown> };
    firstAt = Math.min(firstAt, at);
    lastAt = Math.max(lastAt, at);
    if (typeof heard?.custom_session_id === "string") call = heard.custom_session_id;
    if (heard?.type === "session_settings") told += JSON.stringify(heard);
    const content = (out?.message as { content?: string } | undefined)?.content ?? "";
    const ref = String(out?.id ?? "");
    if (out?.type === "chat_metadata") group = String(out.chat_group_id);
    if (out?.type === "user_message" && out.interim !== true) words.push({ at, speaker: "caller", id: ref, text: content });
    if (out?.type === "assistant_message") words.push({ at, speaker: "agent", id: ref, text: content });
    if (out?.type === "user_interruption") cuts.push(at);
    if (out?.type === "audio_output") {
      const known = sounds.get(ref) ?? { at, ms: 0 };
      sounds.set(ref, { at: known.at, ms: known.ms + Number(out.bytes) / BYTES_A_MS });
    }
  }
  return { call, chat: { id, group, firstAt, lastAt, words, sounds, cuts, told, closed: code !== null && code !== 1006, heard: wasHeard } };
}

/** A time the call's audio was connected to us, ms of the wall clock. */
export interface Connected {
  readonly from: number;
  readonly to: number;
}

/**
 * When each sentence of the agent's began to sound at the carrier, by id: sound is sent faster than it is played, so a sentence waits for the
 * one before it, and is dropped when the caller cuts in first. Absent: it never began. Pure.
 */
export function soundingFrom(chat: Chat, connected: readonly Connected[]): Map<string, number> {
  const began = new Map<string, number>();
  let free = 0;
  for (const { id, speaker } of chat.words) {
    const sound = speaker === "agent" ? chat.sounds.get(id) : undefined;
    if (sound === undefined) continue;
    const line = connected.find(({ from, to }) => to > Math.max(sound.at, free) && from < chat.lastAt);
    if (line === undefined) continue;
    const start = Math.max(sound.at, free, line.from);
    const cut = chat.cuts.find((at) => at > sound.at);
    if (cut !== undefined && cut <= start) {
      free = Math.min(free, cut);
      continue;
    }
    began.set(id, start);
    free = cut === undefined ? start + sound.ms : Math.min(cut, start + sound.ms);
  }
  return began;
}
