import { describe, expect, it } from "vitest";
import type { CallId, LegId } from "../../ids.ts";
import { backNcco, chooseRate, handOverNcco, messageNcco, reconnectNcco, socketUrl, sorryNcco, talkNcco } from "./ncco.ts";
import { tries } from "./test-tries.ts";

const talk = {
  call: "0199a0b1-7d1f-7000-8000-000000000001" as CallId,
  publicUrl: "https://calls.example.com",
  from: "+12025550100",
  rate: 16_000,
  language: "en",
  record: true,
  notice: null,
  tokens: ["one", "two"],
} as const;

const CONNECT = (token: string): string =>
  `{"action":"connect","from":"12025550100","eventType":"synchronous","eventUrl":["https://calls.example.com/webhooks/vonage/event?call=0199a0b1-7d1f-7000-8000-000000000001&leg=ws"],"eventMethod":"POST","endpoint":[{"type":"websocket","uri":"wss://calls.example.com/media/vonage/${token}","content-type":"audio/l16;rate=16000","headers":{"call":"0199a0b1-7d1f-7000-8000-000000000001"},"authorization":{"type":"vonage"}}]}`;
const RECORD =
  '{"action":"record","eventUrl":["https://calls.example.com/webhooks/vonage/recording?call=0199a0b1-7d1f-7000-8000-000000000001"],"eventMethod":"POST","format":"mp3","split":"conversation","channels":2}';
const MOMENT = '{"action":"talk","text":"One moment, please.","language":"en-US"}';
const SORRY =
  '{"action":"talk","text":"We are sorry, we cannot go on with this call right now. Please try again later. Goodbye.","language":"en-US"}';

const STAY = '{"action":"talk","text":"Please stay on the line, we will be right back.","language":"en-US"}';
const TRY = (seconds: number): string => `{"action":"wait","timeout":${seconds}},${CONNECT("two")}`;
const TRIES = `${MOMENT},${TRY(0.1)},${TRY(1)},${TRY(2)},${STAY},${TRY(3)},${TRY(5)},${TRY(8)}`;

describe("the instructions of a call", () => {
  it("record, connect, and after a lost connection a word, tries until a server has started again, and an apology, byte for byte", () => {
    expect(JSON.stringify(talkNcco(talk))).toBe(`[${RECORD},${CONNECT("one")},${TRIES},${SORRY}]`);
  });

  it("spread the tries of many calls, because a carrier takes few connects a second", () => {
    const waits = (call: string) =>
      talkNcco({ ...talk, call: call as CallId })
        .filter(({ action }) => action === "wait")
        .map(({ timeout }) => timeout);
    expect(waits("0199a0b1-7d1f-7000-8000-000000000001")).toEqual([0.1, 1, 2, 3, 5, 8]);
    expect(waits("0199a0b1-7d1f-7000-8000-000000000fff")).toEqual([0.2, 1.5, 3, 4.5, 7.5, 12]);
  });

  it("do not record when the agent's policy says no", () => {
    expect(JSON.stringify(talkNcco({ ...talk, record: false }))).toBe(`[${CONNECT("one")},${TRIES},${SORRY}]`);
  });

  it("speak a notice before the recording, or inside it", () => {
    const actions = (recorded: boolean) =>
      talkNcco({ ...talk, notice: { text: "This call is recorded.", recorded } }).map(({ action }) => action);
    expect(actions(false)).toEqual(["talk", "record", "connect", ...tries, "talk"]);
    expect(actions(true)).toEqual(["record", "talk", "connect", ...tries, "talk"]);
  });

  it("leave a message and nothing else with a machine", () => {
    const message = { call: talk.call, publicUrl: talk.publicUrl, text: "Please call us back.", language: "en", record: true };
    expect(JSON.stringify(messageNcco(message))).toBe(`[${RECORD},{"action":"talk","text":"Please call us back.","language":"en-US"}]`);
  });

  it("hand the caller to a person: recorded anew, with our way back in the event, and nothing after it", () => {
    const handOver = {
      call: talk.call,
      leg: "a" as LegId,
      regionUrl: null,
      from: "+12025550100",
      to: "+12025550110",
      ringSeconds: 45,
      announced: true,
      record: true,
    };
    const marks = `call=${talk.call}&leg=transfer`;
    expect(JSON.stringify(handOverNcco(handOver, talk.publicUrl))).toBe(
      `[${RECORD},{"action":"connect","from":"12025550100","eventType":"synchronous","timeout":45,"eventUrl":["https://calls.example.com/webhooks/vonage/event?${marks}"],"eventMethod":"POST","endpoint":[{"type":"phone","number":"12025550110","onAnswer":{"url":"https://calls.example.com/webhooks/vonage/answer?${marks}"}}]}]`,
    );
    expect(backNcco(talk).map(({ action }) => action)).toEqual(["talk", "connect", ...tries, "talk"]);
  });

  it("connect anew after lost audio without a second record", () => {
    expect(reconnectNcco(talk).map(({ action }) => action)).toEqual(["connect", ...tries, "talk"]);
  });

  it("keep within Vonage's limit of 512 bytes for the headers of a socket, and use no name it reserves", () => {
    const [connect] = reconnectNcco(talk) as [{ endpoint: [{ headers: Record<string, string> }] }];
    const { headers } = connect.endpoint[0];
    expect(JSON.stringify(headers).length).toBeLessThan(512);
    expect(Object.keys(headers)).not.toContain("event");
  });

  it("name no sender when we have no number", () => {
    expect(JSON.stringify(talkNcco({ ...talk, from: null }))).not.toContain('"from"');
  });

  it("apologise with words only", () => {
    expect(JSON.stringify(sorryNcco())).toBe(`[${SORRY}]`);
  });
});

it("a plain http address of this machine gives a plain socket", () => {
  expect(socketUrl("http://127.0.0.1:4000", "t")).toBe("ws://127.0.0.1:4000/media/vonage/t");
});

it.each([
  [[48_000, 24_000, 16_000], 24_000],
  [[16_000, 24_000], 16_000],
  [[8_000], 8_000],
  [[44_100], 16_000],
  [[], 16_000],
])("an engine that takes %s gets %s Hz", (rates, rate) => {
  expect(chooseRate(rates)).toBe(rate);
});
