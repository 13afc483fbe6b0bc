import { describe, expect, it } from "vitest";
import type { CallId } from "../../ids.ts";
import { chooseRate, reconnectNcco, socketUrl, sorryNcco, talkNcco } from "./ncco.ts";

const talk = {
  call: "0199a0b1-7d1f-7000-8000-000000000001" as CallId,
  publicUrl: "https://calls.example.com",
  from: "+12025550100",
  rate: 16_000,
  record: true,
  tokens: ["one", "two"],
} as const;

const CONNECT = (token: string): string =>
  `{"action":"connect","from":"12025550100","eventType":"synchronous","eventUrl":["https://calls.example.com/webhooks/vonage/event?call=0199a0b1-7d1f-7000-8000-000000000001&leg=ws"],"eventMethod":"POST","endpoint":[{"type":"websocket","uri":"wss://calls.example.com/media/vonage/${token}","content-type":"audio/l16;rate=16000","headers":{"call":"0199a0b1-7d1f-7000-8000-000000000001"},"authorization":{"type":"vonage"}}]}`;
const RECORD =
  '{"action":"record","eventUrl":["https://calls.example.com/webhooks/vonage/recording?call=0199a0b1-7d1f-7000-8000-000000000001"],"eventMethod":"POST","format":"mp3","split":"conversation","channels":2}';
const MOMENT = '{"action":"talk","text":"One moment, please.","language":"en-US"}';
const SORRY =
  '{"action":"talk","text":"We are sorry, we cannot go on with this call right now. Please try again later. Goodbye.","language":"en-US"}';

describe("the instructions of a call", () => {
  it("record, connect, and after a lost connection a word, a second try and an apology, byte for byte", () => {
    expect(JSON.stringify(talkNcco(talk))).toBe(`[${RECORD},${CONNECT("one")},${MOMENT},${CONNECT("two")},${SORRY}]`);
  });

  it("do not record when the agent's policy says no", () => {
    expect(JSON.stringify(talkNcco({ ...talk, record: false }))).toBe(`[${CONNECT("one")},${MOMENT},${CONNECT("two")},${SORRY}]`);
  });

  it("connect anew after lost audio without a second record", () => {
    expect(reconnectNcco(talk).map(({ action }) => action)).toEqual(["connect", "talk", "connect", "talk"]);
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
