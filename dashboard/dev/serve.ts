/**
 * A stand-in for the server while the dashboard is worked on: made-up calls over the same API, and the built dashboard under
 * the policy it is meant to run with. `node dashboard/dev/serve.ts [--port 8790] [--story empty|one|many] [--role viewer] [--slow 2000]`;
 * `--port 0` picks one, `--slow` lets every answer wait for so many milliseconds. The app never imports anything from here.
 */
import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { parseArgs } from "node:util";
import { problem } from "./serve/answers.ts";
import { newApi } from "./serve/api.ts";
import { newWorld, type Story, stories } from "./serve/world.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8790" },
    story: { type: "string", default: "many" },
    role: { type: "string", default: "admin" },
    slow: { type: "string", default: "0" },
  },
});
if (!(values.story in stories)) throw new Error(`There is no story ${values.story}: ${Object.keys(stories).join(", ")}.`);
const started = Date.now();
const dist = join(import.meta.dirname, "../dist");
const world = newWorld(values.story as Story, values.role);
const api = newApi(world);
setInterval(() => {
  for (const call of world.calls) if (call.status === "in_progress") world.tell({ call_id: call.id, what: "utterance" });
}, 1500).unref();

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
/** The policy the dashboard is meant to run under: nothing foreign, nothing inline. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; font-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

async function file(response: ServerResponse, path: string): Promise<void> {
  const name = extname(path) === "" ? "/index.html" : path;
  const found = await readFile(join(dist, name)).catch(() => null);
  response.writeHead(found ? 200 : 404, {
    "content-type": types[extname(name)] ?? "application/octet-stream",
    "content-security-policy": policy,
  });
  response.end(found ?? "");
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname === "/dev/sign-out") world.signedIn = false;
  try {
    if (!url.pathname.startsWith("/api/")) return await file(response, url.pathname);
    if (values.slow !== "0") await after(Number(values.slow));
    await api(request, response, url.pathname.slice(4), url.searchParams);
  } catch (error) {
    problem(response, 500, "FIXTURE", String(error), "Mend dashboard/dev/serve.");
  }
});
server.listen(Number(values.port), "127.0.0.1", () => {
  const address = server.address();
  console.log(
    JSON.stringify({
      ready: true,
      url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
      afterMs: Date.now() - started,
    }),
  );
});
