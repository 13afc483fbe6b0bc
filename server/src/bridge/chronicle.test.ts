import { expect, test } from "vitest";
import type { CallId } from "../ids.ts";
import { openChronicle } from "./chronicle.ts";

const call = "0199a0b1-7d1f-7000-8000-000000000001" as CallId;

test("a deed asked for in answer to the last one is done, though nothing else follows", async () => {
  const chronicle = openChronicle({ warn() {} });
  for (let round = 0; round < 20; round++) {
    await chronicle.after(call, async () => {});
    expect(await chronicle.after(call, async () => "done")).toBe("done");
  }
  await chronicle.close();
});
