import { expect, it, vi } from "vitest";
import type { EngineConnection } from "../engine/port.ts";
import type { ToolResult } from "../tools/result.ts";
import type { Moment, ToolUse } from "../tools/use.ts";
import { ToolDesk, type UsedBefore } from "./tool-desk.ts";

/** A desk whose tools are done by hand. */
function desk(canUse = true, before: UsedBefore[] = []) {
  const session = (name: string) =>
    ({
      toolResult: (id: string, { ok, text }: { ok: boolean; text: string }) => told.push(`${name} ${id} ${ok} ${text}`),
      context: (text: string, answer: boolean) => told.push(`${name} ${answer ? "answers to" : "knows"} ${text}`),
    }) as unknown as EngineConnection;
  const told: string[] = [];
  const answered: string[] = [];
  const begun: { use: ToolUse; moment: Moment; done: (result: ToolResult) => void }[] = [];
  const is = { engine: session("first") as EngineConnection | null, sounding: false };
  const tools = new ToolDesk({
    before,
    use: canUse ? (use, moment) => new Promise((done) => begun.push({ use, moment, done })) : null,
    monotonicMs: () => 0,
    sounding: () => is.sounding,
    engine: () => is.engine,
    told: () => {},
    answered: ({ use, result }) => answered.push(`${use.id} ${result.ok}`),
  });
  return { tools, told, answered, begun, is, session };
}
const use: ToolUse = { id: "u1", name: "look_up", args: "{}" };
const done: ToolResult = { ok: true, text: "Friday" };

it("a result goes to the session that asked for it, and onto the timeline", async () => {
  const { tools, told, answered, begun } = desk();
  tools.ask(use);
  expect(tools.busy).toBe(true);
  begun[0]?.done(done);
  await vi.waitUntil(() => told.length === 1);
  expect(told).toEqual(["first u1 true Friday"]);
  expect(answered).toEqual(["u1 true"]);
  expect(tools.busy).toBe(false);
});

it("a use that is asked for twice is done once; its result is told again", async () => {
  const { tools, told, begun } = desk();
  tools.ask(use);
  tools.ask(use);
  expect(begun).toHaveLength(1);
  begun[0]?.done(done);
  await vi.waitUntil(() => told.length === 1);
  tools.ask(use);
  expect(told).toEqual(["first u1 true Friday", "first u1 true Friday"]);
});

const begins = "Tools were used in this call before this connection to you. What they did is done: do not do it again.";

it("a result that comes after its session was lost is told to the one in its place, which answers to it", async () => {
  const { tools, told, answered, begun, is, session } = desk();
  tools.ask({ ...use, args: '{"day":"Friday"}' });
  is.engine = session("second");
  tools.opened();
  expect(told).toEqual([`second knows ${begins}\n- look_up {"day":"Friday"}: is still at work; what comes of it will follow`]);
  begun[0]?.done(done);
  await vi.waitUntil(() => told.length === 2);
  expect(answered).toEqual(["u1 true"]);
  expect(told[1]).toBe('second answers to A tool that was used before has answered. look_up {"day":"Friday"}: done: Friday');
  tools.ask(use);
  expect(told[2]).toBe("second u1 true Friday");
});

it("a result that comes while no session is ready is told to the next one when it is", async () => {
  const { tools, told, answered, begun, is, session } = desk();
  tools.ask(use);
  is.engine = null;
  begun[0]?.done(done);
  await vi.waitUntil(() => answered.length === 1);
  is.engine = session("second");
  expect(told).toEqual([]);
  tools.opened();
  expect(told).toEqual([`second knows ${begins}\n- look_up {}: done: Friday`]);
});

it("a session that follows another after a renewal, or in another process, knows what was used before", async () => {
  const { tools, told, begun, is, session } = desk(true, [
    { use: { id: "u0", name: "book", args: "{}" }, result: { ok: false, text: "full" } },
  ]);
  tools.opened();
  expect(told).toEqual([`first knows ${begins}\n- book {}: did not work: full`]);
  tools.ask(use);
  begun[0]?.done(done);
  await vi.waitUntil(() => told.length === 2);
  is.engine = session("second");
  tools.opened();
  expect(told[2]).toBe(`second knows ${begins}\n- book {}: did not work: full\n- look_up {}: done: Friday`);
});

it("a use asked for again by the session in the asker's place is answered there", async () => {
  const { tools, told, begun, is, session } = desk();
  tools.ask(use);
  is.engine = session("second");
  tools.ask(use);
  begun[0]?.done(done);
  await vi.waitUntil(() => told.length === 1);
  expect(told).toEqual(["second u1 true Friday"]);
});

it("an agent without tools says so", () => {
  const { tools, told } = desk(false);
  tools.ask(use);
  expect(told).toEqual(["first u1 false This tool is not available in this call."]);
});

it("quiet is now, or when nothing is left to hear; back is when the caller comes again", async () => {
  const { tools, begun, is } = desk();
  is.sounding = true;
  tools.ask(use);
  const { moment } = begun[0] as (typeof begun)[0];
  const heard: string[] = [];
  void moment.quiet().then(() => heard.push("quiet"));
  void moment.back().then(() => heard.push("back"));
  tools.look();
  await Promise.resolve();
  expect(heard).toEqual([]);
  is.sounding = false;
  tools.look();
  await vi.waitUntil(() => heard.length === 1);
  tools.callerBack();
  await vi.waitUntil(() => heard.length === 2);
  expect(heard).toEqual(["quiet", "back"]);
});

it("the end of the call breaks off what runs and waits for its last word; nothing begins any more", async () => {
  const { tools, answered, begun, told } = desk();
  tools.ask(use);
  const { moment, done: finish } = begun[0] as (typeof begun)[0];
  moment.signal.addEventListener("abort", () => finish({ ok: false, text: "given up" }));
  await tools.end();
  expect(answered).toEqual(["u1 false"]);
  tools.ask({ ...use, id: "u2" });
  expect(begun).toHaveLength(1);
  expect(told.at(-1)).toContain("not available");
});
