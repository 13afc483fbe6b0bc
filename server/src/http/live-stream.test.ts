import type { LiveChange } from "@earshot/contract/call";
import { describe, expect, it } from "vitest";
import { liveStream } from "./live-stream.ts";

function reader() {
  const written: string[] = [];
  const state = { full: false };
  const stream = liveStream({ write: (text) => written.push(text), isFull: () => state.full });
  return { written, state, stream };
}
const change = (n: number, what: LiveChange["what"] = "call"): LiveChange => ({
  call_id: `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`,
  what,
});
const kinds = (written: string[]) => written.map((text) => (text.startsWith(":") ? "beat" : /^event: (\w+)/.exec(text)?.[1]));

describe("a live stream", () => {
  it("begins with a snapshot and then tells each change at once", () => {
    const { written, stream } = reader();
    stream.snapshot();
    stream.changed(change(1));
    stream.changed(change(1, "utterance"));
    expect(kinds(written)).toEqual(["snapshot", "change", "change"]);
    expect(written[1]).toBe(`event: change\ndata: ${JSON.stringify(change(1))}\n\n`);
  });

  it("keeps each change once while its reader is slow", () => {
    const { written, state, stream } = reader();
    state.full = true;
    for (let i = 0; i < 100; i++) stream.changed(change(i % 3));
    stream.beat();
    expect(written).toEqual([]);
    state.full = false;
    stream.drained();
    expect(kinds(written)).toEqual(["change", "change", "change"]);
    stream.drained();
    expect(written).toHaveLength(3);
  });

  it("forgets what is too much and says to read everything again", () => {
    const { written, state, stream } = reader();
    state.full = true;
    for (let i = 0; i < 100_000; i++) stream.changed(change(i));
    state.full = false;
    stream.drained();
    expect(kinds(written)).toEqual(["snapshot"]);
    stream.changed(change(1));
    expect(kinds(written)).toEqual(["snapshot", "change"]);
  });

  it("lets a snapshot stand for whatever waits", () => {
    const { written, state, stream } = reader();
    state.full = true;
    stream.changed(change(1));
    stream.snapshot();
    stream.changed(change(2));
    state.full = false;
    stream.drained();
    expect(kinds(written)).toEqual(["snapshot"]);
  });
});
