import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { replayJournal } from "../../server/src/bridge/replay.ts";
import { type CallId, newId } from "../../server/src/ids.ts";
import { journalPath } from "../../server/src/journal/file.ts";
import { drive } from "./drive.ts";
import { measure } from "./measure.ts";
import { troubles } from "./trouble.ts";

/** Long enough for each trouble to come at least twice. */
const CALL_MS = 5 * 60_000;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "earshot-drive-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test.each(troubles(CALL_MS).map((trouble) => [trouble.name, trouble] as const))(
  "our own recording has every word where it was, and a replay sends what was sent: %s",
  async (_, trouble) => {
    const call = newId<CallId>();
    const truth = await drive(call, dir, CALL_MS, trouble);
    const { words, missing, callerApart, agentApart, drift, lengthError } = await measure(journalPath(dir, call), truth);
    expect({ words: words > 50, missing }).toEqual({ words: true, missing: 0 });
    expect(Math.max(callerApart, agentApart, drift, Math.abs(lengthError))).toBeLessThan(20);
    const { decisions, differences, pacing } = await replayJournal(journalPath(dir, call));
    expect(differences).toEqual([]);
    expect(decisions).toBeGreaterThan(10);
    expect(pacing).toMatchObject({ apart: 0 });
    expect(pacing.frames).toBeGreaterThan(2_000);
  },
);
