import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type VonageClient, vonageCarrier } from "../carrier/vonage/client.ts";

/** How one request for a file is answered; the last of a script answers all that follow. */
export type Answer =
  | { readonly as: "whole" }
  /** Without a Content-Length, ignoring ranges. */
  | { readonly as: "chunked" }
  | { readonly as: "status"; readonly status: number }
  /** The connection breaks after so many bytes of the answer, when `next` is called. */
  | { readonly as: "cut"; readonly after: number }
  /** The connection breaks after so many bytes of the answer, at once. */
  | { readonly as: "torn"; readonly after: number }
  /** One piece of `bytes` every `everyMs`: a slow line. */
  | { readonly as: "dripped"; readonly bytes: number; readonly everyMs: number }
  /** Ends properly, too early: the file is that short. */
  | { readonly as: "short"; readonly bytes: number }
  /** Says nothing more after so many bytes. */
  | { readonly as: "stalled"; readonly after: number }
  | { readonly as: "redirect"; readonly to: string }
  | { readonly as: "page" }
  /** One piece of `bytes` for each call of `next`: as slow as a test wants it. */
  | { readonly as: "stepped"; readonly bytes: number };

export interface TestFiles {
  readonly url: string;
  /** For a client in another process. */
  readonly privateKeyPem: string;
  /** The real client of the carrier, pointed here. */
  readonly carrier: VonageClient;
  /** Puts a file there with its script; its address. */
  serve(name: string, file: Buffer, script?: readonly Answer[]): string;
  /** Ranges asked for, in order; null for the whole file. */
  asked(name: string): (string | null)[];
  /** The next piece of a `stepped` file, the end of a `cut` one; waits until somebody is there to receive it. */
  next(): Promise<void>;
  close(): Promise<void>;
}

/** An HTTP server that hands out recordings as a carrier does, faults included. It refuses whoever brings no token. */
export async function startTestFiles(): Promise<TestFiles> {
  const files = new Map<string, { file: Buffer; script: Answer[]; asked: (string | null)[]; latest: ServerResponse | null }>();
  const steps: (() => void)[] = [];
  const wantStep: (() => void)[] = [];
  /** Waits for `next`; whoever hung up is forgotten. */
  const step = (response: ServerResponse) =>
    new Promise<void>((resolve, reject) => {
      const gone = () => {
        steps.splice(steps.indexOf(resolve) >>> 0, 1);
        reject(new Error("hung up"));
      };
      if (response.destroyed) return gone();
      steps.push(resolve);
      response.once("close", gone);
      wantStep.shift()?.();
    });

  const server = createServer((request, response) => {
    const found = files.get(request.url?.split("/").at(-1) ?? "");
    if (!found) return void response.writeHead(404).end();
    if (!request.headers.authorization?.startsWith("Bearer ")) return void response.writeHead(401).end();
    // Who asks again has hung up before, though word of it may come later: no piece is given to a connection nobody reads any more.
    found.latest?.destroy();
    found.latest = response;
    found.asked.push(request.headers.range ?? null);
    const answer = found.script.length > 1 ? (found.script.shift() as Answer) : (found.script[0] ?? { as: "whole" });
    void send(request, response, found.file, answer, step).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const privateKeyPem = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return {
    url,
    privateKeyPem,
    carrier: carrierAt(url, privateKeyPem),
    serve(name, file, script = []) {
      files.set(name, { file, script: [...script], asked: [], latest: null });
      return `${url}/v1/files/${name}`;
    },
    asked: (name) => files.get(name)?.asked ?? [],
    async next() {
      if (steps.length === 0) await new Promise<void>((resolve) => wantStep.push(resolve));
      steps.shift()?.();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A connection breaks where a test breaks it, not where the machine is slow: a download may be silent for an hour. */
export const carrierAt = (apiUrl: string, privateKeyPem: string, downloadIdleMs = 3_600_000): VonageClient =>
  vonageCarrier({
    applicationId: "00000000-0000-4000-8000-000000000001",
    privateKeyPem,
    apiUrl,
    publicUrl: "http://127.0.0.1:1",
    downloadIdleMs,
  });

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  file: Buffer,
  answer: Answer,
  step: (response: ServerResponse) => Promise<void>,
): Promise<void> {
  if (answer.as === "status") return void response.writeHead(answer.status).end();
  if (answer.as === "redirect") return void response.writeHead(302, { location: answer.to }).end();
  if (answer.as === "page")
    return void response.writeHead(200, { "content-type": "text/html" }).end("<!DOCTYPE html><title>Proxy</title>Please sign in.");
  const whole = answer.as === "short" ? file.subarray(0, answer.bytes) : file;
  const from = answer.as === "chunked" ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from >= whole.length && from > 0) return void response.writeHead(416, { "content-range": `bytes */${whole.length}` }).end();
  const body = whole.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, {
    "content-type": "audio/mpeg",
    ...(answer.as === "chunked" ? {} : { "content-length": body.length }),
    ...(from > 0 ? { "content-range": `bytes ${from}-${whole.length - 1}/${whole.length}` } : {}),
  });
  response.flushHeaders(); // a step may be long in coming
  switch (answer.as) {
    case "cut":
      response.write(body.subarray(0, answer.after));
      await step(response);
      response.destroy();
      return;
    case "torn":
      response.write(body.subarray(0, answer.after), () => response.destroy());
      return;
    case "dripped":
      for (let at = 0; at < body.length && !response.destroyed; at += answer.bytes) {
        await new Promise((resolve) => setTimeout(resolve, answer.everyMs));
        response.write(body.subarray(at, at + answer.bytes));
      }
      response.end();
      return;
    case "stalled":
      response.write(body.subarray(0, answer.after));
      return;
    case "stepped":
      for (let at = 0; at < body.length; at += answer.bytes) {
        await step(response);
        response.write(body.subarray(at, at + answer.bytes));
      }
      response.end();
      return;
    default:
      response.end(body);
  }
}
