import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { patchLists } from "./live.ts";
import type { Call } from "./shapes.ts";

const row = (id: string, status: Call["status"]) => ({ id, status }) as Call;
const seeded = () => {
  const client = new QueryClient();
  client.setQueryData(["calls", "pages", {}], {
    pages: [
      { items: [row("a", "in_progress")], next: "2" },
      { items: [row("b", "ended")], next: null },
    ],
    pageParams: [null, "2"],
  });
  client.setQueryData(["calls", "live", {}], { items: [row("a", "in_progress")], next: null });
  return client;
};

describe("a call that changed", () => {
  it("is put in its place in every list that shows it, and the other rows stay the same objects", () => {
    const client = seeded();
    const before = client.getQueryData<{ pages: unknown[] }>(["calls", "pages", {}]);
    expect(patchLists(client, row("a", "ended"))).toBe(true);
    const after = client.getQueryData<{ pages: { items: Call[] }[] }>(["calls", "pages", {}]);
    expect(after?.pages[0]?.items).toEqual([row("a", "ended")]);
    expect(after?.pages[1]).toBe(before?.pages[1]);
    expect(client.getQueryData<{ items: Call[] }>(["calls", "live", {}])?.items[0]?.status).toBe("ended");
  });
  it("that no list shows yet is told, so that the lists are read again", () =>
    expect(patchLists(seeded(), row("c", "queued"))).toBe(false));
});
