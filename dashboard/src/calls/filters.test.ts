import { describe, expect, it } from "vitest";
import { allowsLive, filtersFrom, queryOf, setCount } from "./filters.ts";

const agent = "018f4e1c-0000-7000-8000-000000000001";

describe("the address of a view", () => {
  it("gives back the filters that stand in it", () => {
    const search = {
      q: "parcel",
      status: "live",
      direction: "inbound",
      end: "no_answer",
      recording: "missing",
      agent,
      from: "2026-11-01",
      to: "2026-11-22",
    };
    expect(filtersFrom(search)).toEqual(search);
  });
  it("with nonsense in it shows more, not an error", () => {
    expect(filtersFrom({ status: "melting", direction: 3, end: "vanished", agent: "x", from: "soon", cursor: "abc", q: "  " })).toEqual({});
  });
  it("may hold a number the router read as one", () => expect(filtersFrom({ q: 2025550101 })).toEqual({ q: "2025550101" }));
});

describe("the question to the server", () => {
  const asked = (...of: Parameters<typeof queryOf>) => Object.fromEntries(new URLSearchParams(queryOf(...of)));

  it("searches digits among the numbers and words in the transcript", () => {
    expect(asked({ q: "+1 202 555" }, null, 50)).toEqual({ number: "+1 202 555", limit: "50" });
    expect(asked({ q: "parcel" }, null, 50)).toEqual({ search: "parcel", limit: "50" });
  });
  it("includes the whole last day", () => {
    expect(asked({ from: "2026-11-22", to: "2026-11-22" }, "c", 10)).toEqual({
      from: new Date(2026, 10, 22).toISOString(),
      to: new Date(2026, 10, 23).toISOString(),
      cursor: "c",
      limit: "10",
    });
  });
});

it("live rows stand on top only where a running call can be", () => {
  expect(allowsLive({})).toBe(true);
  expect(allowsLive({ status: "live", direction: "inbound" })).toBe(true);
  expect(allowsLive({ status: "ended" })).toBe(false);
  expect(allowsLive({ end: "busy" })).toBe(false);
});
it("the search box is not counted as a filter", () => expect(setCount({ q: "a", status: "live", agent })).toBe(2));
