import type { Utterance } from "@earshot/contract/call";

/** A transcript as WebVTT (W3C): one cue an utterance, times on the call's clock (0:00 is the answer), the speaker as voice. */
export function webVtt(utterances: readonly Pick<Utterance, "speaker" | "text" | "started_ms" | "ended_ms">[]): string {
  const cues = utterances.map(({ speaker, text, started_ms, ended_ms }, i) => {
    const from = Math.max(0, started_ms);
    return `${i + 1}\n${time(from)} --> ${time(Math.max(from + 1, ended_ms))}\n<v ${speaker === "caller" ? "Caller" : "Agent"}>${escaped(text)}\n`;
  });
  return `WEBVTT\n\n${cues.join("\n")}`;
}

function time(ms: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, "0");
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}.${String(ms % 1000).padStart(3, "0")}`;
}

/** A cue ends at an empty line, and `<`, `&` begin markup. */
const escaped = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(/\s*\n\s*/g, " ")
    .trim();
