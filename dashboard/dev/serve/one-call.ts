/** What can be asked of one call. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Call } from "../../src/ask/shapes.ts";
import { events, exchanges, webhooks } from "../story/blackbox.ts";
import * as desk from "../story/desk.ts";
import { recordingsOf } from "../story/recordings.ts";
import { peaks, wav } from "../story/sound.ts";
import { json, problem } from "./answers.ts";
import type { World } from "./world.ts";

type OfCall = (call: Call, request: IncomingMessage, response: ServerResponse) => unknown;
export const oneCallRoutes = (world: World): Record<string, OfCall> => ({
  "GET ": (call, _q, r) => json(r, 200, call),
  "GET /utterances": (call, _q, r) => json(r, 200, { items: world.heard(call), next: null }),
  "GET /events": (call, _q, r) => json(r, 200, { items: events(call), next: null }),
  "GET /webhooks": (call, _q, r) => json(r, 200, { items: webhooks(call), next: null }),
  "GET /exchanges": (call, _q, r) => json(r, 200, { items: exchanges(call), next: null }),
  "POST /mute": (call, _q, r) => json(r, 202, call),
  "POST /unmute": (call, _q, r) => json(r, 202, call),
  "POST /dtmf": (call, _q, r) => json(r, 202, call),
  "POST /transfer": (_call, _q, r) =>
    problem(r, 422, "NUMBER_INVALID", "It is not a phone number.", "Write it with + and its country code."),
  "GET /keeping": (call, _q, r) => json(r, 200, desk.keeping(world.calls.indexOf(call))),
  "GET /recordings": (call, _q, r) => json(r, 200, { items: recordingsOf(call), next: null }),
  "GET /recording/peaks": (call, _q, r) => json(r, 200, peaks(world.soundOf(call), 4000)),
  "GET /recording": (call, request, response) => {
    const file = wav(world.soundOf(call));
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const [from, to] = range ? [Number(range[1]), range[2] ? Number(range[2]) : file.length - 1] : [0, file.length - 1];
    response.writeHead(range ? 206 : 200, {
      "content-type": "audio/wav",
      "accept-ranges": "bytes",
      "content-length": to - from + 1,
      ...(range ? { "content-range": `bytes ${from}-${to}/${file.length}` } : {}),
    });
    response.end(file.subarray(from, to + 1));
  },
  "POST /recording/link": (call, _q, r) =>
    json(r, 201, {
      url: `http://127.0.0.1/api/calls/${call.id}/recording?token=v1.example`,
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    }),
  "POST /hangup": (call, _q, r) => {
    json(r, 202, call);
    setTimeout(
      () =>
        world.change(call, "call", {
          status: "ended",
          end_reason: "operator_hung_up",
          ended_at: new Date().toISOString(),
          duration_ms: call.started_at ? Date.now() - Date.parse(call.started_at) : null,
        }),
      700,
    );
  },
});
