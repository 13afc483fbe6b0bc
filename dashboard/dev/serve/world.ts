/** Everything the stand-in knows while it runs: its calls, what is said in them, who listens. */
import type { ServerResponse } from "node:http";
import { Call, type LiveChange, Session, type Utterance } from "../../src/ask/shapes.ts";
import { agents } from "../story/agents.ts";
import { call, many, running } from "../story/calls.ts";
import { keys } from "../story/door.ts";
import { id } from "../story/made.ts";
import { samples } from "../story/sound.ts";
import { utterances } from "../story/talk.ts";

export const stories = { empty: () => [], one: () => [call({ agoMs: 200_000 })], many: () => [...running(), ...many(500)] };
export type Story = keyof typeof stories;
export type World = ReturnType<typeof newWorld>;

/** A world with the calls of a `story`, looked at by somebody of a `role`. */
export function newWorld(story: Story, role: string) {
  const calls: Call[] = stories[story]();
  const said = new Map<string, Utterance[]>(
    calls.map((one) => [
      one.id,
      one.started_at === null ? [] : utterances(one.id, Math.max(1, Math.round((one.duration_ms ?? 0) / 56_000))),
    ]),
  );
  const streams = new Set<ServerResponse>();
  const sounds = new Map<string, Int16Array>();
  const tell = (change: LiveChange) => {
    for (const stream of streams) stream.write(`event: change\ndata: ${JSON.stringify(change)}\n\n`);
  };
  return {
    calls,
    said,
    streams,
    agents: [...agents],
    keys: [...keys],
    /** Lists that are not about calls are empty, too. */
    empty: story === "empty",
    signedIn: true,
    session: Session.parse({ user: { id: id("user"), email: "desk@example.com", role }, csrf: "c".repeat(32), emulated: true }),
    tell,
    change(one: Call, what: LiveChange["what"], fields: Partial<Call>) {
      Object.assign(one, Call.parse({ ...one, ...fields }));
      tell({ call_id: one.id, what });
    },
    /** What a running call has said by now: its lines appear as they are spoken. */
    heard(one: Call): Utterance[] {
      const all = said.get(one.id) ?? utterances(one.id);
      if (one.status === "ended" || one.started_at === null) return one.started_at === null ? [] : all;
      const since = Date.now() - Date.parse(one.started_at);
      return all.filter((utterance) => utterance.ended_ms < since);
    },
    soundOf(one: Call): Int16Array {
      const found = sounds.get(one.id) ?? samples(said.get(one.id) ?? [], one.duration_ms ?? 0);
      sounds.set(one.id, found);
      return found;
    },
  };
}
