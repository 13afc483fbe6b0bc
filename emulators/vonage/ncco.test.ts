import { describe, expect, it } from "vitest";
import { readNcco } from "./ncco.ts";

const websocket = {
  type: "websocket",
  uri: "wss://app.test/ws?call=7d1f",
  "content-type": "audio/l16;rate=16000",
  headers: { call: "7d1f" },
};

describe("reading an NCCO", () => {
  it.each([
    [
      "a recorded bridge",
      [
        { action: "record", split: "conversation", channels: 2 },
        { action: "connect", endpoint: [websocket], timeout: "45" },
      ],
    ],
    [
      "every action",
      [
        { action: "talk", text: "Hello", bargeIn: true, level: "0.5" },
        { action: "stream", streamUrl: ["https://app.test/a.mp3"], loop: 0 },
        { action: "input", type: ["dtmf", "speech"], dtmf: { maxDigits: 1 }, speech: { endOnSilence: 0.5 } },
        { action: "notify", payload: { a: 1 }, eventUrl: ["https://app.test/e"] },
        { action: "wait", timeout: 0.01 },
        { action: "conversation", name: "room", canHear: [] },
        { action: "transfer", conversationId: "CON-1" },
      ],
    ],
    [
      "machine detection in both spellings",
      [
        { action: "connect", endpoint: [websocket], advancedMachineDetection: { mode: "detect" } },
        { action: "connect", endpoint: [websocket], advanced_machine_detection: { beep_timeout: 60 } },
      ],
    ],
    [
      "a phone called from a random number, and with what a connect may add",
      [
        {
          action: "connect",
          randomFromNumber: true,
          endpoint: [{ type: "phone", number: "12025550101", onAnswer: { url: "https://app.test/a" }, shaken: "eyJ" }],
        },
      ],
    ],
    ["an input of Vonage's own builder, without an event URL", [{ action: "input", type: ["dtmf"], dtmf: {}, eventUrl: [] }]],
    ["nothing", []],
  ])("takes %s", (_, ncco) => {
    expect(readNcco(ncco)).toMatchObject({ good: true });
  });

  it("clamps what the reference clamps", () => {
    expect(
      readNcco([
        { action: "wait", timeout: 0.01 },
        { action: "wait", timeout: 99_999 },
      ]),
    ).toMatchObject({ ncco: [{ timeout: 0.1 }, { timeout: 7_200 }] });
  });

  it.each([
    ["something that is no array", { action: "talk" }, /Syntax error in NCCO/],
    ["an unknown action", [{ action: "dance" }], /position 0/],
    [
      "an unknown option",
      [
        { action: "talk", text: "a" },
        { action: "record", recordingFormat: "mp3" },
      ],
      /position 1: unknown option recordingFormat/,
    ],
    ["two endpoints", [{ action: "connect", endpoint: [websocket, websocket] }], /exactly one endpoint/],
    [
      "contentType for content-type",
      [{ action: "connect", endpoint: [{ type: "websocket", uri: "wss://a.test", contentType: "audio/l16;rate=16000" }] }],
      /content-type|contentType/,
    ],
    ["another rate", [{ action: "connect", endpoint: [{ ...websocket, "content-type": "audio/l16;rate=48000" }] }], /content-type/],
    ["channels without split", [{ action: "record", channels: 2 }], /channels needs split/],
    ["headers beyond 512 bytes", [{ action: "connect", endpoint: [{ ...websocket, headers: { long: "\u00e9".repeat(260) } }] }], /512/],
    ["a phone without a caller", [{ action: "connect", endpoint: [{ type: "phone", number: "12025550101" }] }], /from: a phone/],
    [
      "a phone and a caller with a plus",
      [{ action: "connect", from: "+12025550100", endpoint: [{ type: "phone", number: "12025550101" }] }],
      /E\.164/,
    ],
    ["a sip endpoint without an address", [{ action: "connect", endpoint: [{ type: "sip", user: "me" }] }], /uri/],
    ["mute and canSpeak", [{ action: "conversation", name: "room", mute: true, canSpeak: [] }], /mute: excludes canSpeak/],
    ["a conversation's transcription without a recording", [{ action: "conversation", name: "room", transcription: {} }], /needs record/],
    ["asynchronous speech", [{ action: "input", type: ["speech"], mode: "asynchronous" }], /keys only/],
    ["settings of asynchronous keys", [{ action: "input", mode: "asynchronous", dtmf: { maxDigits: 1 } }], /dtmf: has no settings/],
    ["bargeIn at the end", [{ action: "wait" }, { action: "talk", text: "a", bargeIn: true }], /bargeIn at position 1/],
    [
      "bargeIn before something else",
      [{ action: "talk", text: "a", bargeIn: true }, { action: "wait" }, { action: "input" }],
      /bargeIn at position 0/,
    ],
  ])("refuses %s", (_, ncco, why) => {
    const verdict = readNcco(ncco);
    expect(verdict.good).toBe(false);
    if (!verdict.good) expect(verdict.because).toMatch(why);
  });
});
