import { describe, expect, it } from "vitest";
import { places } from "./places.ts";

const never = new AbortController().signal;
/** Whether a promise is settled once all that can happen has happened. */
const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  let is = false;
  void promise.then(
    () => (is = true),
    () => (is = true),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return is;
};

describe("what may be in flight", () => {
  it("is bounded by bytes, not by how many", async () => {
    const here = places(100, 10);
    for (let i = 0; i < 50; i++) await here.enter(2, never);
    expect(await settled(here.enter(2, never))).toBe(false);
    expect(here.state()).toMatchObject({ middleBytes: 100, waiting: 1 });
  });

  it("goes on in the order of asking, and a file larger than everything goes alone", async () => {
    const here = places(100, 10);
    const first = await here.enter(60, never);
    const large = here.enter(500, never);
    const small = here.enter(1, never);
    expect(await settled(small)).toBe(false);
    first.leave();
    expect([await settled(large), await settled(small)]).toEqual([true, false]);
    (await large).leave();
    expect(await settled(small)).toBe(true);
  });

  it("lets slow ones aside, which frees their place, as far as there is room beside", async () => {
    const here = places(100, 2);
    const [a, b] = [await here.enter(50, never), await here.enter(50, never)];
    const waits = here.enter(50, never);
    expect(await settled(waits)).toBe(false);
    expect([a.aside(), a.aside()]).toEqual([true, true]);
    expect(await settled(waits)).toBe(true);
    expect(b.aside()).toBe(true);
    expect((await waits).aside()).toBe(false);
    expect(here.state()).toEqual({ middleBytes: 50, asideBytes: 100, aside: 2, waiting: 0 });
    a.leave();
    a.leave();
    expect((await waits).aside()).toBe(true);
    for (const place of [b, await waits]) place.leave();
    expect(here.state()).toEqual({ middleBytes: 0, asideBytes: 0, aside: 0, waiting: 0 });
  });

  it("forgets who stops waiting, and lets those behind go on", async () => {
    const here = places(100, 2);
    await here.enter(60, never);
    const stop = new AbortController();
    const large = here.enter(60, stop.signal);
    const small = here.enter(30, never);
    stop.abort(new Error("stopped"));
    await expect(large).rejects.toThrow("stopped");
    expect(await settled(small)).toBe(true);
    await expect(here.enter(60, stop.signal)).rejects.toThrow("stopped");
  });
});
