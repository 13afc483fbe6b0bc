import { randomUUID } from "node:crypto";
import type { FastifyReply } from "fastify";
import type { z } from "zod";
import { invalidParameters } from "./wire.ts";

/** The error bodies of Vonage's Voice API; `x-nexmo-trace-id` comes with each. */

const words = {
  400: ["BAD_REQUEST", "Bad Request"],
  401: ["UNAUTHORIZED", "Unauthorized"],
  404: ["NOT_FOUND", "Not Found"],
  405: ["METHOD_NOT_ALLOWED", "Method Not Allowed"],
  413: ["REQUEST_TOO_LONG", "Request Too Long"],
  415: ["UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type"],
  416: ["RANGE_NOT_SATISFIABLE", "Range Not Satisfiable"],
  429: ["TOO_MANY_REQUESTS", "Too Many Requests"],
  500: ["INTERNAL_SERVER_ERROR", "Internal Server Error"],
} as const;
export type ProblemStatus = keyof typeof words;

/** `{"type":"BAD_REQUEST","error_title":"Bad Request"}`; `because` is not Vonage's, it helps whoever debugs against the emulator. */
export function refuse(reply: FastifyReply, status: ProblemStatus, because?: string): FastifyReply {
  const [type, error_title] = words[status];
  return send(reply, status, { type, error_title, ...(because ? { detail: because } : {}) });
}

/** `{"type":400,"title":"Bad Request","invalid_parameters":[{"name","reason"}]}`. */
export function refuseParameters(reply: FastifyReply, problems: z.ZodError | readonly { name: string; reason: string }[]): FastifyReply {
  const invalid_parameters = "issues" in problems ? invalidParameters(problems) : problems;
  return send(reply, 400, { type: 400, title: "Bad Request", invalid_parameters });
}

function send(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  return reply
    .code(status)
    .header("x-nexmo-trace-id", randomUUID().replaceAll("-", ""))
    .header("content-type", "application/json")
    .send(JSON.stringify(body));
}
