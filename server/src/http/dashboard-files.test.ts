import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestHouse, type TestHouse } from "./test-house.ts";

let house: TestHouse;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-dashboard-"));
  const dist = join(folder, "dist");
  await mkdir(join(dist, "assets"), { recursive: true });
  await writeFile(join(folder, "secret.txt"), "not for anybody");
  await writeFile(join(dist, ".env"), "SECRET=1");
  await writeFile(join(dist, "index.html"), "<!doctype html><title>Earshot</title>");
  await writeFile(join(dist, "theme.js"), "theme()");
  await writeFile(join(dist, "assets", "index-Haru5ETL.js"), "app()");
  await writeFile(join(dist, "assets", "index-Haru5ETL.js.gz"), gzipSync("app()"));
  house = await openTestHouse({ dashboardDir: dist });
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

const get = (url: string, headers: Record<string, string> = {}) => house.app.inject({ url, headers });

describe("the dashboard's files", () => {
  it("are kept for ever when their name says so, and asked for anew otherwise", async () => {
    const asset = await get("/assets/index-Haru5ETL.js");
    expect(asset.statusCode).toBe(200);
    expect(asset.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect(asset.headers["content-type"]).toContain("javascript");
    const theme = await get("/theme.js");
    expect(theme.headers["cache-control"]).toBe("no-cache");
    const unchanged = await get("/theme.js", { "if-none-match": String(theme.headers.etag) });
    expect(unchanged.statusCode).toBe(304);
  });

  it("come compressed where the build left them so", async () => {
    const asset = await get("/assets/index-Haru5ETL.js", { "accept-encoding": "gzip" });
    expect(asset.headers["content-encoding"]).toBe("gzip");
    expect(asset.headers["cache-control"]).toContain("immutable");
    expect(asset.headers["content-type"]).toContain("javascript");
  });

  it.each(["/", "/calls", "/calls/01a2027d-fa8e-7a2a-ae78-3b04e9643024?t=83.4", "/enter?token=x", "/index.html", "/a.b/c"])(
    "stand behind %s as the one page",
    async (url) => {
      const answer = await get(url, { accept: "text/html,*/*" });
      expect(answer.statusCode).toBe(200);
      expect(answer.body).toContain("<title>Earshot</title>");
      expect(answer.headers["content-type"]).toContain("text/html");
      expect(answer.headers["content-security-policy"]).toContain("script-src 'self'");
    },
  );

  it.each(["/api/nothing", "/webhooks/x", "/media/vonage/x", "/assets/gone-12345678.js", "/gone.js"])(
    "do not pretend to be %s",
    async (url) => {
      const answer = await get(url);
      expect(answer.statusCode).toBe(404);
      expect(answer.json().code).toBe("NO_SUCH_ROUTE");
    },
  );

  it.each([
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/..%5csecret.txt",
    "/assets/../../secret.txt",
    "/.env",
    "/%2eenv",
    "//secret.txt",
    "/assets/%00",
  ])("are all there is: %s shows nothing else", async (url) => {
    const answer = await get(url);
    expect(answer.body).not.toMatch(/not for anybody|SECRET/);
    expect(answer.statusCode).toBeLessThan(500);
  });

  it("are read, not written", async () => {
    for (const method of ["POST", "PUT", "DELETE"] as const) {
      expect((await house.app.inject({ method, url: "/theme.js" })).statusCode).toBe(404);
    }
  });
});
