import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newId } from "../ids.ts";
import { verifyEvidence } from "../recordings/evidence/verify.mjs";
import { openTestHouse, seedCall, seedRecording, type TestHouse } from "./test-house.ts";

let house: TestHouse;
let folder: string;
beforeAll(async () => {
  house = await openTestHouse();
  folder = await mkdtemp(join(tmpdir(), "earshot-evidence-"));
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

it("a call's evidence is downloaded as one zip that verifies, and who took it is written down", async () => {
  const call = await seedCall(house);
  const sound = Buffer.from("the sound of a call");
  await seedRecording(house, call, sound);
  const answer = await house.ask("member", { url: `/api/calls/${call}/evidence` });
  expect(answer.statusCode, answer.body.slice(0, 300)).toBe(200);
  expect(answer.headers).toMatchObject({
    "content-type": "application/zip",
    "content-disposition": `attachment; filename="earshot-${call}.zip"`,
    "cache-control": "no-store",
  });
  const path = join(folder, "evidence.zip");
  await writeFile(path, answer.rawPayload);
  const verified = await verifyEvidence(path);
  expect(verified).toMatchObject({ ok: true, manifest: { call, made_by: expect.stringMatching(/^key:/) } });
  expect(answer.rawPayload.includes(sound)).toBe(true);
  const { rows } = await house.database.pool.query("select action from audits where call_id = $1", [call]);
  expect(rows).toEqual([{ action: "evidence.taken" }]);
});

it("evidence is never a short zip in silence: a lost file is a problem, and from then on named and left out", async () => {
  const call = await seedCall(house);
  const ours = Buffer.from("our own sound of the call");
  await seedRecording(house, call, ours, { source: "journal" });
  const lost = await seedRecording(house, call, Buffer.from("gone"), { storage_key: "recordings/elsewhere.mp3" });
  const take = () => house.ask("member", { url: `/api/calls/${call}/evidence` });
  expect((await take()).json()).toMatchObject({ code: "STORED_FILE_LOST" });
  const answer = await take();
  expect(answer.statusCode).toBe(200);
  const path = join(folder, "without.zip");
  await writeFile(path, answer.rawPayload);
  const verified = await verifyEvidence(path);
  if (!verified.ok) throw new Error(verified.problem);
  const { files } = verified.manifest;
  expect(files.map(({ name }) => name).filter((name) => name.startsWith("audio/"))).toEqual([expect.stringMatching(/^audio\/journal-/)]);
  expect(answer.rawPayload.includes(ours)).toBe(true);
  expect(answer.rawPayload.toString("latin1")).toMatch(new RegExp(`"id": "${lost}",\\s+"status": "failed"`));
});

it("is taken by members and administrators only, of calls that exist", async () => {
  const url = `/api/calls/${newId()}/evidence`;
  expect((await house.ask("viewer", { url })).statusCode).toBe(403);
  expect((await house.ask(null, { url })).statusCode).toBe(401);
  expect((await house.ask("member", { url })).json()).toMatchObject({ code: "CALL_UNKNOWN" });
});
