import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStorage } from "./storage.ts";
import { tryStorage } from "./storage-trial.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-trial-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a storage that keeps what it is given stands the trial and holds nothing afterwards, encrypted or not", async () => {
  for (const key of [null, Buffer.alloc(32, 7)]) {
    const storage = openStorage(`file:${folder}/kept`, key);
    await tryStorage(storage);
    expect(await Array.fromAsync(storage.list(""))).toEqual([]);
  }
  expect(await readdir(folder)).toEqual(["kept"]);
});

test("one that cannot be written to says where and why", async () => {
  await writeFile(join(folder, "a-file"), "");
  await expect(tryStorage(openStorage(`file:${folder}/a-file`))).rejects.toMatchObject({
    code: "STORAGE_UNWRITABLE",
    message: expect.stringContaining(`${folder}/a-file`),
  });
});
