import { describe, expect, it } from "vitest";
import {
  answeredEvent,
  bill,
  completedEvent,
  detectionEvent,
  disconnectedEvent,
  errorEvent,
  inputEvent,
  type LegFacts,
  notifyEvent,
  progressEvent,
  recordEvent,
  refusedEvent,
  transferEvent,
} from "./events.ts";

const leg: LegFacts = {
  uuid: "5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11",
  conversationUuid: "CON-0d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a20",
  from: "12015550100",
  to: "12025550143",
  direction: "outbound",
  headers: {},
};
const at = new Date("2026-03-04T10:01:19.412Z");
const start =
  '{"headers":{},"from":"12015550100","to":"12025550143","uuid":"5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11","conversation_uuid":"CON-0d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a20"';
const end = '"timestamp":"2026-03-04T10:01:19.412Z"}';

describe("the bodies of event webhooks, byte for byte", () => {
  const sum = bill("phone", new Date("2026-03-04T10:00:07.311Z"), at);
  it.each([
    ["started", progressEvent(leg, "started", at), `${start},"status":"started","direction":"outbound",${end}`],
    ["ringing", progressEvent(leg, "ringing", at), `${start},"status":"ringing","direction":"outbound",${end}`],
    [
      "answered",
      answeredEvent(leg, at),
      `${start},"status":"answered","direction":"outbound","start_time":null,"rate":null,"network":null,${end}`,
    ],
    [
      "busy",
      refusedEvent(leg, "busy", { detail: null, sipCode: 486 }, at),
      `${start},"status":"busy","direction":"outbound","sip_code":486,${end}`,
    ],
    [
      "rejected",
      refusedEvent(leg, "rejected", { detail: "declined", sipCode: 603 }, at),
      `${start},"status":"rejected","direction":"outbound","detail":"declined","sip_code":603,${end}`,
    ],
    ["disconnected, without a direction", disconnectedEvent(leg, at), `${start},"status":"disconnected",${end}`],
    [
      "completed",
      completedEvent(leg, sum, { sipCode: 200, by: "user" }, at),
      `${start},"status":"completed","direction":"outbound","start_time":"2026-03-04T10:00:07.000Z","end_time":"2026-03-04T10:01:20.000Z","duration":"73","rate":"0.01270000","price":"0.01545167","network":"310260","sip_code":200,"disconnected_by":"user",${end}`,
    ],
    [
      "machine, with call_uuid",
      detectionEvent(leg, "machine", "beep_start", at),
      `{"call_uuid":"5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11","from":"12015550100","to":"12025550143","status":"machine","sub_state":"beep_start","conversation_uuid":"CON-0d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a20",${end}`,
    ],
    [
      "transfer",
      transferEvent(leg.uuid, "CON-a", "CON-b", at),
      `{"conversation_uuid_from":"CON-a","conversation_uuid_to":"CON-b","uuid":"5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11","type":"transfer",${end}`,
    ],
    ["error", errorEvent("CON-a", "Syntax error in NCCO.", at), `{"reason":"Syntax error in NCCO.","conversation_uuid":"CON-a",${end}`],
    ["notify", notifyEvent("CON-a", { step: 2 }, at), `{"payload":{"step":2},"conversation_uuid":"CON-a",${end}`],
    [
      "input",
      inputEvent(leg, { digits: "21", timedOut: false }, null, at),
      `{"speech":{"results":[]},"dtmf":{"digits":"21","timed_out":false},"from":"12015550100","to":"12025550143","uuid":"5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11","conversation_uuid":"CON-0d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a20",${end}`,
    ],
    [
      "record, without uuid or status",
      recordEvent(
        {
          uuid: "c1f7d1de-51a9-4f0f-9c0b-9a6f2b1e7d30",
          conversationUuid: "CON-a",
          url: "https://api-us.nexmo.com/v1/files/0b7e6c0e-4b57-4c6b-8f5d-6e0a2c1d9f42",
          sizeBytes: 287104,
          startedAt: new Date("2026-03-04T10:00:08.9Z"),
          endedAt: new Date("2026-03-04T10:01:19.4Z"),
        },
        at,
      ),
      `{"start_time":"2026-03-04T10:00:08Z","end_time":"2026-03-04T10:01:19Z","size":287104,"recording_url":"https://api-us.nexmo.com/v1/files/0b7e6c0e-4b57-4c6b-8f5d-6e0a2c1d9f42","recording_uuid":"c1f7d1de-51a9-4f0f-9c0b-9a6f2b1e7d30","conversation_uuid":"CON-a",${end}`,
    ],
  ])("%s", (_, body, literal) => {
    expect(JSON.stringify(body)).toBe(literal);
  });
});

it("costs nothing and has no times when it was never answered", () => {
  expect(bill("phone", null, at)).toEqual({
    startTime: null,
    endTime: null,
    durationS: 0,
    rate: "0.01270000",
    price: "0.00000000",
    network: "310260",
  });
});
