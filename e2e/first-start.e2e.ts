import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { doctor, kept, launch, openPlace, outcome, type Place } from "./launcher.ts";

/** A new installation, as whoever tries Earshot meets it: the first start, and the second. */

let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => rmSync(place.folder, { recursive: true, force: true }));

describe("npm start", () => {
  test.concurrent("in an empty folder makes everything, and shows a whole first call with its recording", async ({
    expect,
    onTestFinished,
  }) => {
    const launcher = launch(place);
    onTestFinished(() => launcher.stop());
    const [, page] = await launcher.sees(/Hear it, read it: +(\S+)/, 230_000);
    const shown = launcher.shown();
    expect(shown).toContain(`http://localhost:${place.port}`);
    expect(shown).toMatch(/\+12025550101 .*polite/i);
    expect(shown.match(/^ +\+120255501\d\d /gm)).toHaveLength(6);
    expect(shown).toMatch(/\d+ more are listed in emulators\/vonage\/README\.md/);
    const [, phone] = /(http:\S+)\/phone /.exec(shown) ?? [];
    for (const shownPage of [`${phone}/`, `${phone}/phone`])
      expect((await fetch(shownPage)).headers.get("content-type")).toContain("text/html");
    expect(shown).toMatch(/Engine +the emulated one/);
    const facts = shown.split("\n").flatMap((line) => /^ +\d+:\d\d\.\d +(\w+)/.exec(line)?.[1] ?? []);
    expect(facts.filter((fact) => fact !== "agent" && fact !== "caller")).toEqual(["dialing", "ringing", "answered", "ended", "recording"]);
    expect(facts.filter((fact) => fact === "caller").length).toBeGreaterThanOrEqual(2);
    expect(facts.filter((fact) => fact === "agent").length).toBeGreaterThanOrEqual(2);
    expect(shown).toMatch(/caller .* [a-z ]+ 0\.\d\d/);
    expect(shown).toMatch(/recording +stored: \d+\.\d s, \d+ kB/);
    expect((await fetch(page as string)).headers.get("content-type")).toContain("text/html");
  });

  test
    .runIf(process.platform === "linux")
    .concurrent("on a port that is taken starts nothing and says by whom it is", async ({ expect, onTestFinished }) => {
      const other = createServer().listen(0, "127.0.0.1");
      onTestFinished(() => void other.close());
      await once(other, "listening");
      const taken = String((other.address() as AddressInfo).port);
      const launcher = launch(place, ["--no-demo"], { PORT: taken, DATA_DIR: join(place.folder, "elsewhere") });
      onTestFinished(() => launcher.stop());
      const { code, said } = await outcome(launcher);
      expect(code).toBe(1);
      expect(said).toContain(`PORT ${taken} is taken by another program (process ${process.pid})`);
      expect(readdirSync(place.folder)).not.toContain("elsewhere");
    });

  // In the folder that the first start made.
  test("the second time calls nobody again, and the doctor beside it finds the emulated line and sets it right", async ({
    expect,
    onTestFinished,
  }) => {
    const launcher = launch(place);
    onTestFinished(() => launcher.stop());
    const [, phone] = await launcher.sees(/(http:\S+)\/phone /);
    await launcher.sees(/Ctrl-C/);
    const line = ["key", "clock", "public address", "audio address", "signatures", "application", "number"];
    const well = await doctor(place);
    expect(well.code, well.said).toBe(0);
    for (const one of ["configuration", "disk", "recordings", "database", ...line])
      expect(well.said).toMatch(new RegExp(`^ok +${one}`, "m"));

    // Somebody changed the application at the carrier; the doctor sees it, and sets it right when asked.
    const { apiKey, apiSecret, applicationId } = JSON.parse(kept(place, "emulators/secrets.json"));
    const voice = { signed_callbacks: false, webhooks: { answer_url: { address: "https://old.example.com/answer", http_method: "GET" } } };
    const changed = await fetch(`${phone}/v2/applications/${applicationId}`, {
      method: "PUT",
      headers: {
        authorization: `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString("base64")}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ name: "Earshot", capabilities: { voice } }),
    });
    expect(changed.status, await changed.text()).toBe(200);
    const ill = await doctor(place);
    expect(ill.code).toBe(1);
    expect(ill.said).toMatch(
      /^BAD +application +In the application the answer URL is https:\/\/old\.example\.com\/answer.* webhooks are not signed/m,
    );
    const cured = await doctor(place, "--set-webhooks");
    expect(cured.code, cured.said).toBe(0);
    expect(cured.said).toMatch(/^ok +set webhooks[\s\S]*^ok +application/m);

    // A first call would have begun before any of that.
    expect(launcher.shown()).not.toMatch(/first call|dialing/);
    const { calls } = (await (await fetch(`${phone}/emulator/calls`)).json()) as { calls: unknown[] };
    expect(calls).toEqual([]);
  });
});
