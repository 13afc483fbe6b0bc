import { beforeEach, describe, expect, test } from "vitest";
import { handClock } from "../evi/clock.ts";
import { ordinary } from "./directive.ts";
import { newItem } from "./items.ts";
import { type Mind, openMind } from "./mind.ts";
import { newSituation, type Situation } from "./situation.ts";

let situation: Situation;
let mind: Mind;

beforeEach(() => {
  situation = newSituation(handClock(), "gpt-realtime-2.1", ordinary, 3_600_000);
  mind = openMind(situation);
});

const offers = (...names: string[]): void => {
  situation.session = { ...situation.session, tools: names.map((name) => ({ type: "function" as const, name })) };
};
/** The client has the answer of the tool that was called last. */
const answers = (call_id: string | undefined, output: string): void =>
  mind.told(newItem({ id: "item_answer", type: "function_call_output", role: null, output: { call_id: call_id ?? "", output } }));

describe("what is said next", () => {
  test("a greeting first, then a word of one's own, when nobody has spoken", () => {
    expect(mind.next(undefined).say[0]).toMatch(/appointment desk/);
    situation.hasSpoken = true;
    expect(mind.next(undefined).say).toEqual([ordinary.agent.nudge]);
  });

  test("words that the instructions quote, to the letter", () => {
    mind.heard("How much does it cost?");
    expect(mind.next('Say exactly: "One moment. I am back."')).toEqual({ say: ["One moment.", "I am back."], call: [] });
    expect(mind.next(undefined).say[0]).toMatch(/free of charge/);
  });

  test("a caller's turn is answered once, and not at all when it was let go", () => {
    mind.heard("How much does it cost?");
    expect(mind.next(undefined).say[0]).toMatch(/free of charge/);
    mind.heard("How much does it cost?");
    mind.letGo();
    situation.turns = 1;
    expect(mind.next(undefined).say).toEqual([ordinary.agent.nudge]);
  });

  test("lines of an earlier session are remembered, and nobody answers what was answered then", () => {
    mind.told(newItem({ id: "item_1", type: "message", role: "user", text: "How much does it cost?" }));
    mind.told(newItem({ id: "item_2", type: "message", role: "assistant", text: "It is free." }));
    expect(situation).toMatchObject({ turns: 1, replayed: true, hasSpoken: false });
    expect(mind.next(undefined).say).toEqual([ordinary.agent.nudge]);
  });
});

describe("a tool", () => {
  test("is called once, and its answer is said", () => {
    offers("find_order");
    mind.heard("My order number is seventeen.");
    const { say, call } = mind.next(undefined);
    expect(say).toEqual(["Thank you. One moment, I am looking."]);
    expect(call).toMatchObject([{ name: "find_order", arguments: '{"order_number":"seventeen"}' }]);
    answers(call[0]?.id, "It is on its way.");
    expect(mind.next(undefined)).toEqual({ say: ["I have found it. It is on its way."], call: [] });
  });

  test("that fails is apologised for", () => {
    offers("find_order");
    mind.heard("My order number is seventeen.");
    const [call] = mind.next(undefined).call;
    answers(call?.id, '{"error":"no order book"}');
    expect(mind.next(undefined).say[0]).toBe("I am sorry, our order book does not answer.");
  });

  test("is not called by a response that was cut before it came to that, and its answer is nobody's", () => {
    offers("find_order");
    situation.hasSpoken = true;
    mind.heard("My order number is seventeen.");
    const [call] = mind.next(undefined).call;
    mind.cut([]);
    answers(call?.id, "It is on its way.");
    expect(mind.next(undefined).say).toEqual([ordinary.agent.nudge]);
  });

  test("of the client's that hangs up is called at goodbye", () => {
    offers("find_order", "end_call");
    mind.heard("Thank you very much. Goodbye.");
    expect(mind.next(undefined).call).toMatchObject([{ name: "end_call", arguments: "{}" }]);
  });
});
