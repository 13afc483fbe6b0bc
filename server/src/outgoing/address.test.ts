import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { isPublic, urlRefusal } from "./address.ts";
import { ask } from "./request.ts";

/** A generator of numbers that is the same each time (mulberry32). */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Four = readonly [number, number, number, number];

/** Networks of this machine, its neighbours, its hosting provider's metadata, and those that belong to nobody. */
const inside: readonly (readonly [string, (roll: (below: number) => number) => Four])[] = [
  ["this machine", (roll) => [127, roll(256), roll(256), roll(256)]],
  ["this host", (roll) => [0, roll(256), roll(256), roll(256)]],
  ["private 10", (roll) => [10, roll(256), roll(256), roll(256)]],
  ["private 172", (roll) => [172, 16 + roll(16), roll(256), roll(256)]],
  ["private 192", (roll) => [192, 168, roll(256), roll(256)]],
  ["a carrier's own", (roll) => [100, 64 + roll(64), roll(256), roll(256)]],
  ["link-local and metadata", (roll) => [169, 254, roll(2) ? 169 : roll(256), roll(2) ? 254 : roll(256)]],
  ["benchmarks", (roll) => [198, 18 + roll(2), roll(256), roll(256)]],
  ["multicast and above", (roll) => [224 + roll(32), roll(256), roll(256), roll(256)]],
];

const hex = (one: number, two: number): string => ((one << 8) | two).toString(16);
/** How an IPv4 address can be written in a URL, or dressed as IPv6. */
const spellings: readonly ((four: Four) => string)[] = [
  (four) => four.join("."),
  (four) => `${four.join(".")}.`,
  ([a, b, c, d]) => String(((a << 24) | (b << 16) | (c << 8) | d) >>> 0),
  ([a, b, c, d]) => `0x${(((a << 24) | (b << 16) | (c << 8) | d) >>> 0).toString(16)}`,
  (four) => four.map((part) => `0${part.toString(8)}`).join("."),
  (four) => four.map((part) => `0x${part.toString(16)}`).join("."),
  ([a, b, c, d]) => `${a}.${(b << 16) | (c << 8) | d}`,
  (four) => four.join("%2e"),
  (four) => four.join("。"),
  (four) => `[::ffff:${four.join(".")}]`,
  ([a, b, c, d]) => `[::ffff:${hex(a, b)}:${hex(c, d)}]`,
  (four) => `[0:0:0:0:0:ffff:${four.join(".")}]`,
  (four) => `[::${four.join(".")}]`,
  (four) => `[::ffff:0:${four.join(".")}]`,
  (four) => `[64:ff9b::${four.join(".")}]`,
  ([a, b, c, d]) => `[2002:${hex(a, b)}:${hex(c, d)}::1]`,
];

describe("an address of our own networks", () => {
  it("is refused however it is written: 3,000 of them", () => {
    const roll = dice(4711);
    const reached: string[] = [];
    for (let n = 0; n < 3_000; n++) {
      const [, make] = inside[n % inside.length] as (typeof inside)[number];
      const spell = spellings[roll(spellings.length)] as (typeof spellings)[number];
      const url = `https://${spell(make(roll))}:${1 + roll(65_535)}/latest/meta-data?x=${n}`;
      if (urlRefusal(url, false) === null) reached.push(url);
    }
    expect(reached).toEqual([]);
  });

  it("in IPv6 is refused too, whatever its last half", () => {
    const roll = dice(42);
    const rest = () => Array.from({ length: 4 }, () => roll(65_536).toString(16)).join(":");
    for (const net of [
      "fc00:0:0:0",
      "fd12:3456:789a:1",
      "fe80:0:0:0",
      "febf:0:0:0",
      "fec0:0:0:0",
      "ff02:0:0:0",
      "100:0:0:0",
      "2001:db8:0:0",
      "2001:0:0:0",
      "3fff:1:0:0",
      "5f00:0:0:0",
    ])
      for (let n = 0; n < 20; n++) expect(isPublic(`${net}:${rest()}`), net).toBe(false);
    for (const one of ["::", "::1", "fe80::1%eth0", "64:ff9b:1::1"]) expect(isPublic(one), one).toBe(false);
  });

  it("that a name leads to is looked at before anybody connects", async () => {
    const met: unknown[] = [];
    const server = createServer((socket) => {
      met.push(socket.remoteAddress);
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    for (const host of ["localhost", "localhost.", "LOCALHOST", "localhost.localdomain", "127.0.0.1", "[::ffff:127.0.0.1]", "127.1", "0"]) {
      const came = await ask(`https://${host}:${port}/`, {
        method: "GET",
        headers: {},
        body: null,
        timeoutMs: 5_000,
        local: false,
        mostBytes: 1,
      });
      expect(came, host).toHaveProperty("failed");
    }
    await new Promise<void>((resolve) => server.close(() => resolve()));
    expect(met).toEqual([]);
  });
});

describe("an address of the internet", () => {
  it.each([
    "https://example.com/x",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]/",
    "https://192.169.1.1/",
    "https://172.32.0.1/",
    "https://[2a00:1450:4001::200e]/",
  ])("may be called: %s", (url) => {
    expect(urlRefusal(url, false)).toBeNull();
  });

  it.each([
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "https://user@example.com/",
    "javascript:alert(1)",
    "//example.com",
    "gopher://example.com/",
  ])("may not be called so: %s", (url) => {
    expect(urlRefusal(url, true)).not.toBeNull();
  });

  it("in the sandbox this machine may be called too, and nothing else of ours", () => {
    for (const url of ["http://127.0.0.1:80/", "http://localhost/", "https://[::1]/"]) expect(urlRefusal(url, true), url).toBeNull();
    for (const url of [
      "http://10.0.0.1/",
      "https://10.0.0.1/",
      "https://169.254.169.254/",
      "http://example.com/",
      "https://127.0.0.1.internal/",
    ])
      expect(urlRefusal(url, true), url).not.toBeNull();
  });
});
