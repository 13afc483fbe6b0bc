import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { openHouse } from "./house.ts";
import { ended, events, place } from "./shapes.ts";

/** People who pick up at once, hear the agent out, and hang up. */
const numbers = Array.from({ length: 12 }, (_, index) => `+120255501${60 + index}`);
const people = {
  people: numbers.map((number) => ({
    number,
    habit: "Picks up at once and hangs up when it has heard something.",
    voice: "rms",
    whenDialled: { answers: { afterMs: 50 } },
    script: [{ after: { silenceMs: 1_500, atMostMs: 60_000 }, hangUp: true }],
  })),
};

test("twelve calls placed at once all reach the agent, though the carrier takes three new legs a second", async ({ onTestFinished }) => {
  const house = await openHouse({ people });
  onTestFinished(() => house.close());
  const ids = await Promise.all(numbers.map((number) => place(house, number)));
  const calls = await Promise.all(ids.map((id) => ended(house, id, 180_000)));
  const heard = await Promise.all(ids.map(async (id) => (await events(house, id)).some(({ kind }) => kind === "audio.started")));
  expect(calls.map(({ end_reason }) => end_reason)).toEqual(ids.map(() => "caller_hung_up"));
  expect(heard).toEqual(ids.map(() => true));
});

test("the server stops cleanly while somebody holds a connection that asked for another protocol", async ({ onTestFinished }) => {
  const house = await openHouse();
  onTestFinished(() => house.close());
  const { hostname, port } = new URL(house.server.url);
  for (const path of ["/api/calls", "/media/nothing"]) {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true }).on("error", () => {});
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 40[14] /);
    onTestFinished(() => void socket.destroy());
  }
  expect(await house.server.stop()).toBe(0);
});
