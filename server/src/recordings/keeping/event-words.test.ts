import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../../test/database.ts";
import { recordEvent } from "../../calls/events.ts";
import { inTransaction } from "../../db/pool.ts";
import { type CallId, newId } from "../../ids.ts";
import { keptDetail, NOTHING_LEFT, saidAfterwards } from "./event-words.ts";
import { scrubCustomer, scrubTranscript } from "./scrub.ts";

const source = join(import.meta.dirname, "../..");
/** Kinds that are put together, each from the words that can stand there. */
const families = /^(call|consent|recording|transfer)\.\$\{/;
/** As events are written: `kind: "call.ended"`, `say("audio.lost", ...)`, and a choice of two on a line of its own, `const kind = ...`. */
const dotted = /["`]([a-z]+\.(?:[a-z_]+|\$\{[^`]*\}))["`]/g;
const places = [/kind: ["`][^"`]+["`]/g, /\bsay\(["`][^"`]+["`]/g, /const kind = [^\n]+/g];

/** Every kind of event written out in the server's source, with the file it stands in. */
function kindsInSource(): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of readdirSync(source, { recursive: true, encoding: "utf8" })) {
    if (!path.endsWith(".ts") || path.includes(".test.") || path.includes("/test-")) continue;
    if (!/^(bridge|calls|conversation|recordings|tools|carrier)\//.test(path)) continue;
    const text = readFileSync(join(source, path), "utf8");
    if (!/recordEvents?\(|NewEvent|BridgeFact|\btell\(/.test(text)) continue;
    for (const place of places)
      for (const [written] of text.matchAll(place)) for (const [, kind = ""] of written.matchAll(dotted)) found.set(kind, path);
  }
  return found;
}

const secret = "four one one one Winterbottom +12025550101";
let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

async function timeline(kinds: readonly string[], said: string, detail: Record<string, unknown>): Promise<CallId> {
  const call = newId<CallId>();
  await db.pool.query("insert into calls (id, direction, status, deadline_at) values ($1, 'inbound', 'ringing', now())", [call]);
  for (const kind of kinds) await recordEvent(db.pool, { call, at: new Date(), kind, actor: "us", said, detail });
  return call;
}
const rows = async (call: CallId) =>
  (await db.pool.query<{ kind: string; said: string; detail: object }>("select kind, said, detail from events where call_id = $1", [call]))
    .rows;

describe("what is left of a timeline when words or names are deleted", () => {
  it("is decided for every kind of event the server can write", () => {
    const kinds = [...kindsInSource()].filter(([kind]) => !families.test(kind));
    expect(kinds.length).toBeGreaterThan(40);
    expect(kinds.filter(([kind]) => saidAfterwards[kind] === undefined)).toEqual([]);
  });

  it.each([scrubTranscript, scrubCustomer])("is nothing of a field or a kind that nobody has looked at (%o)", async (scrub) => {
    const call = await timeline(["agent.sang", "keys.pressed"], `They said ${secret}.`, { lyrics: secret, recording: "r", text: secret });
    await inTransaction(db.pool, (sql) => scrub(sql, call));
    expect(await rows(call)).toEqual([
      { kind: "agent.sang", said: NOTHING_LEFT, detail: { recording: "r" } },
      { kind: "keys.pressed", said: "The caller pressed keys.", detail: { recording: "r" } },
    ]);
  });

  it("holds no spoken word, whatever the kind, in any field that is not a state, a time or an id", async () => {
    const replaced = Object.keys(saidAfterwards).filter((kind) => saidAfterwards[kind] !== true);
    const spoken = "text digits digit keys message words transcript arguments result outcome from to number customer_name name".split(" ");
    expect(spoken.filter((field) => keptDetail.includes(field))).toEqual([]);
    const call = await timeline(replaced, secret, Object.fromEntries(spoken.map((field) => [field, secret])));
    await inTransaction(db.pool, (sql) => scrubTranscript(sql, call));
    expect(JSON.stringify(await rows(call))).not.toContain("Winterbottom");
  });
});
