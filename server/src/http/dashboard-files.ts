import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const access = { open: "the dashboard's own files; what they show needs a session", uncounted: true } as const;
const YEAR_S = 365 * 24 * 60 * 60;

/**
 * The dashboard: its built files, and its one page for every other address a person may open. Files under assets/ carry a hash in their
 * name and never change; the rest is asked for anew each time. Answers what serves the page, for whoever finds no route.
 */
export async function dashboardFiles(
  app: FastifyInstance,
  folder: string,
): Promise<(request: FastifyRequest, reply: FastifyReply) => Promise<string> | null> {
  const page = async (reply: FastifyReply): Promise<string> => {
    reply.type("text/html; charset=utf-8").header("cache-control", "no-cache");
    const built = await readFile(join(folder, "index.html"), "utf8").catch(() => null);
    if (built === null) reply.code(503);
    return built ?? notBuilt;
  };
  await app.register(async (scope) => {
    scope.addHook("onRoute", (route) => {
      route.config = { ...route.config, access, quiet: true };
    });
    scope.get("/", (_request, reply) => page(reply));
    await scope.register(fastifyStatic, {
      root: folder,
      index: false,
      dotfiles: "deny",
      serveDotFiles: false,
      cacheControl: false,
      acceptRanges: false,
      // A .br or .gz the build left beside a file is sent in its place.
      preCompressed: true,
      setHeaders: (reply, path) => {
        const hashed = path.startsWith(join(folder, "assets")) && /-[\w-]{8,}(\.\w+)+$/.test(basename(path));
        reply.header("cache-control", hashed ? `public, max-age=${YEAR_S}, immutable` : "no-cache");
      },
    });
  });

  return (request, reply) => (["GET", "HEAD"].includes(request.method) && isPage(request.url, request.headers.accept) ? page(reply) : null);
}

/** Is this an address of the dashboard a person opens, and not a mistyped one of the API or a missing file? */
function isPage(url: string, accept: string | undefined): boolean {
  const path = url.split("?", 1)[0] ?? "";
  if (/^\/(api|webhooks|media|assets)(\/|$)/.test(path)) return false;
  return /\.\w{1,5}$/.test(path) ? (accept ?? "").includes("text/html") : true;
}

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Earshot</title>
<h1>The dashboard is not built yet</h1>
<p>The server runs, and calls, recordings and the API work. To build the pages: <code>npm run build -w dashboard</code>, then reload.</p>
</html>
`;
