import { describe, expect, it } from "vitest";
import type { App, Reply, Seen } from "./test-app.ts";
import { done, silent, startCalls } from "./test-calls.ts";

describe("an event in mid-call that is answered badly", () => {
  const asks = (own: App): object[] => [{ action: "notify", payload: { a: 1 }, eventUrl: [`${own.url}/broken`] }, done(own, "went-on")];
  const broken = (seen: Seen): Reply | undefined => (seen.path === "/broken" ? { status: 500 } : undefined);

  it("is put to the fallback URL, whose NCCO takes over", async () => {
    const { app, dial, reached, over, paths } = await startCalls(
      { "/answer": asks, "/fallback": (own) => [done(own)] },
      { otherwise: broken, settings: (own) => ({ fallbackUrl: `${own.url}/fallback`, answerMethod: "POST" }) },
    );
    const uuid = await dial(silent);
    await reached();
    const fallback = await app.requests.first((seen) => seen.path === "/fallback");
    const asked = fallback.method === "GET" ? JSON.parse(fallback.query.original_request ?? "") : fallback.body.original_request;
    expect(asked).toEqual({ url: `${app.url}/broken`, type: "event" });
    await over(uuid);
    expect(paths()).not.toContain("/went-on");
  });

  it("changes nothing when there is no fallback: the flow goes on", async () => {
    const { dial, reached } = await startCalls({ "/answer": asks }, { otherwise: broken });
    await dial(silent);
    await reached("went-on");
  });
});
