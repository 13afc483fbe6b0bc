import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { describe, expect, it, vi } from "vitest";
import { isShown, newRereading, patchLists } from "./live.ts";
import { queries } from "./queries.ts";
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

describe("a call that is read again", () => {
  /** Readings whose answers come when they are given. */
  const reading = () => {
    const answers: ((call: Call) => void)[] = [];
    return { answers, read: () => new Promise<Call>((answer) => answers.push(answer)) };
  };
  const { queryKey } = queries.call("a");
  const what = new Set(["call"] as const);

  it("and once more before the answer came, shows the later reading whichever answer comes first", async () => {
    const client = seeded();
    const { answers, read } = reading();
    const reread = newRereading(client, read);
    const both = [reread("a", what), reread("a", what)];
    answers[1]?.(row("a", "ended"));
    await both[1];
    answers[0]?.(row("a", "in_progress"));
    await both[0];
    expect(client.getQueryData(queryKey)).toEqual(row("a", "ended"));
    expect(client.getQueryData<{ items: Call[] }>(["calls", "live", {}])?.items[0]?.status).toBe("ended");
  });
  it("shows each answer that comes in its turn, without waiting for the last", async () => {
    const client = seeded();
    const { answers, read } = reading();
    const reread = newRereading(client, read);
    const both = [reread("a", what), reread("a", what)];
    answers[0]?.(row("a", "ringing"));
    await both[0];
    expect(client.getQueryData(queryKey)).toEqual(row("a", "ringing"));
    answers[1]?.(row("a", "in_progress"));
    await both[1];
    expect(client.getQueryData(queryKey)).toEqual(row("a", "in_progress"));
  });
  it("while the page reads it too, is not overwritten by what the page had asked for before", async () => {
    const client = seeded();
    const page = reading();
    const watching = new QueryObserver(client, { queryKey, queryFn: page.read });
    const stop = watching.subscribe(() => undefined);
    await newRereading(client, async () => row("a", "ended"))("a", what);
    await vi.waitFor(() => expect(page.answers).toHaveLength(2), 20_000);
    page.answers[0]?.(row("a", "in_progress"));
    page.answers[1]?.(row("a", "ended"));
    await vi.waitFor(() => expect(client.isFetching()).toBe(0), 20_000);
    expect(client.getQueryData(queryKey)).toEqual(row("a", "ended"));
    stop();
  });
});

it("a stream that broke off and is back has everything shown read again, but lets no doctor look who was not asked to", () => {
  expect(isShown(queries.calls({}))).toBe(true);
  expect(isShown(queries.carrier())).toBe(true);
  expect(isShown(queries.doctor())).toBe(false);
});
