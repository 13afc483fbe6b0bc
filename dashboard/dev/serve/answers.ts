/** How the stand-in answers: JSON, or a problem with its remedy. */
import type { IncomingMessage, ServerResponse } from "node:http";

export type Act = (request: IncomingMessage, response: ServerResponse, parts: string[], query: URLSearchParams) => unknown;
export type Route = [method: string, path: RegExp, act: Act];

export const json = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { "content-type": status < 400 ? "application/json" : "application/problem+json" });
  response.end(body === undefined ? "" : JSON.stringify(body));
};
export const problem = (
  response: ServerResponse,
  status: number,
  code: string,
  title: string,
  remedy: string,
  errors?: { field: string; message: string }[],
) => json(response, status, { type: `urn:earshot:${code}`, title, status, code, remedy, ...(errors ? { errors } : {}) });

export async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString() || "{}");
}
