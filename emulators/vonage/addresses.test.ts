import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, it } from "vitest";
import { namesUs, reachableAt } from "./addresses.ts";
import { ask, bridgeNcco, callTo, peopleFile, startApp, startTestNetwork } from "./test-app.ts";

it.each([
  ["127.0.0.1", "127.0.0.1"],
  ["0.0.0.0", "127.0.0.1"],
  ["::", "[::1]"],
  ["::1", "[::1]"],
  ["[::1]", "[::1]"],
  ["fd00::7", "[fd00::7]"],
  ["phone.test", "phone.test"],
])("a network that listens at %s is reached at %s", (host, reached) => {
  expect(reachableAt(host)).toBe(reached);
});

it.each([
  ["127.0.0.1", undefined, "evil.test", false],
  ["::1", undefined, "evil.test", false],
  ["::1", undefined, "[::1]:4070", true],
  ["127.0.0.1", "http://phone.test:4070", "phone.test:4070", true],
  ["127.0.0.1", "http://phone.test:4070", "evil.test:4070", false],
  ["0.0.0.0", undefined, "phone.test:4070", true],
  ["192.0.2.7", undefined, "192.0.2.7:4070", true],
])("listening at %s, with %s as its public URL: is it meant by %s? %s", (host, publicUrl, named, ours) => {
  expect(namesUs({ host, publicUrl }, named)).toBe(ours);
});

it("a network with a public URL tells it in its region and in recordings, while it listens elsewhere", async () => {
  const people = await peopleFile([{ number: "+12025550391", habit: "listens", whenDialled: { answers: { afterMs: 0 } } }]);
  const app = await startApp((seen, own) => (seen.path === "/answer" ? { body: bridgeNcco(own) } : undefined));
  const port = await freePort();
  const network = await startTestNetwork(app, { people: people.path, host: "0.0.0.0", port, publicUrl: "http://phone.test:4070" });
  expect(network.url).toBe("http://phone.test:4070");
  const here = { ...network, url: `http://127.0.0.1:${port}` };
  const made = await ask(here, "POST", "/v1/calls", callTo("12025550391", app));
  expect(made.status).toBe(201);
  expect((await app.requests.first((seen) => seen.path === "/answer")).query.region_url).toBe(network.url);
  const { frames } = await app.sockets.first(() => true);
  await frames.first(() => true);
  await ask(here, "POST", `/emulator/calls/${made.body.uuid}/hangup`);
  expect((await app.event("record")).body.recording_url).toMatch(/^http:\/\/phone\.test:4070\/v1\/files\//);
  await network.close();
  await app.close();
  await people.remove();
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0);
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
