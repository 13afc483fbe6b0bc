import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ask, Nothing, rememberCsrf } from "./ask.ts";
import { AnswerDoesNotFit, isSignedOut, NoAnswer, Refused, told } from "./failures.ts";

const answers = (status: number, body: string) => {
  const fetched = vi.fn(async (_url: string, _init?: RequestInit) => new Response(status === 204 ? null : body, { status }));
  vi.stubGlobal("fetch", fetched);
  return fetched;
};
const problem = {
  type: "about:blank",
  title: "The number is not valid.",
  status: 400,
  code: "NUMBER_INVALID",
  remedy: "Write it with its country code.",
  errors: [{ field: "to", message: "Not a number." }],
};
afterEach(() => {
  vi.unstubAllGlobals();
  rememberCsrf(null);
});

const Shape = z.object({ id: z.string() });

describe("asking the server", () => {
  it("gives back what the contract says, unknown fields dropped", async () => {
    answers(200, '{"id":"a","new":1}');
    expect(await ask(Shape, "/x")).toEqual({ id: "a" });
  });
  it("with an answer that does not fit says where it does not", async () => {
    answers(200, '{"id":1}');
    const error = await ask(Shape, "/x").catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AnswerDoesNotFit);
    expect(told(error).detail).toContain("id");
  });
  it("refused, keeps title, remedy and the field that is wrong", async () => {
    answers(400, JSON.stringify(problem));
    const error = await ask(Shape, "/x", { method: "POST", body: {} }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Refused);
    expect(told(error)).toMatchObject({ title: problem.title, remedy: problem.remedy });
    expect((error as Refused).field("to")).toBe("Not a number.");
    expect((error as Refused).field("agent_id")).toBeNull();
  });
  it("without a session is recognised as signed out", async () => {
    answers(401, JSON.stringify({ ...problem, status: 401 }));
    expect(isSignedOut(await ask(Shape, "/x").catch((e: unknown) => e))).toBe(true);
  });
  it("with no network, or a proxy speaking for a dead server, is no answer", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("failed to fetch");
    });
    await expect(ask(Shape, "/x")).rejects.toBeInstanceOf(NoAnswer);
    answers(502, "<html>Bad gateway</html>");
    await expect(ask(Shape, "/x")).rejects.toBeInstanceOf(NoAnswer);
  });
  it("sends the session's token with a change and never with a reading", async () => {
    rememberCsrf("t0");
    const fetched = answers(204, "");
    expect(await ask(Nothing, "/x", { method: "DELETE" })).toBeNull();
    expect(new Headers(fetched.mock.calls[0]?.[1]?.headers).get("x-csrf-token")).toBe("t0");
    answers(200, '{"id":"a"}');
    await ask(Shape, "/x");
    expect(new Headers(fetched.mock.calls[1]?.[1]?.headers).get("x-csrf-token")).toBeNull();
  });
});
