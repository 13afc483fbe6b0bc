import { describe, expect, it } from "vitest";
import { bestOf, better, type Candidate } from "./best.ts";

const some = (source: Candidate["source"], status: Candidate["status"], more: Partial<Candidate> = {}): Candidate => ({
  source,
  status,
  because: null,
  storage_key: ["stored", "verified"].includes(status) ? "recordings/aa/bb/x.mp3" : null,
  channels: 2,
  in_clear: false,
  ...more,
});

describe("the recording that stands for a call is", () => {
  it.each([
    ["the carrier's, when both are verified", [some("journal", "verified"), some("carrier", "verified")], 1],
    ["the journal's, when the carrier's is missing", [some("carrier", "missing"), some("journal", "verified")], 1],
    [
      "the journal's, when the carrier's failed its checks",
      [some("carrier", "failed", { storage_key: "k" }), some("journal", "verified")],
      1,
    ],
    ["the journal's, while the carrier's is only stored", [some("carrier", "stored"), some("journal", "verified")], 1],
    ["the one with two sides, when the carrier mixed them", [some("carrier", "verified", { channels: 1 }), some("journal", "verified")], 1],
    ["a damaged file rather than none", [some("carrier", "failed", { storage_key: "k" }), some("journal", "missing")], 0],
    [
      "the one that failed its checks rather than one whose file is lost, or another now",
      [
        some("carrier", "failed", { storage_key: "k", because: "STORED_FILE_LOST" }),
        some("carrier", "failed", { storage_key: "k", because: "STORED_FILE_ROTTEN" }),
        some("journal", "failed", { storage_key: "k", because: "JOURNAL_INCOMPLETE" }),
      ],
      2,
    ],
    [
      "the one that may yet come, when the other's file is lost",
      [some("carrier", "failed", { storage_key: "k", because: "STORED_FILE_LOST" }), some("journal", "expected")],
      1,
    ],
    ["the one that may yet come, when the other failed without a file", [some("journal", "failed"), some("carrier", "announced")], 1],
    ["the one on its way rather than the missing one", [some("journal", "missing"), some("carrier", "fetching")], 1],
    ["the engine's, when nothing else is left", [some("carrier", "missing"), some("journal", "missing"), some("engine", "verified")], 2],
    [
      "the one that may be played, while the carrier's is yet to be redacted",
      [some("carrier", "verified", { in_clear: true }), some("journal", "failed", { storage_key: "k" })],
      1,
    ],
    [
      "the one that is redacted soon, rather than one that is still to come",
      [some("journal", "stored", { in_clear: true }), some("carrier", "fetching")],
      0,
    ],
    ["the first of equals", [some("carrier", "verified"), some("carrier", "verified")], 0],
  ] as const)("%s", (_, recordings, best) => {
    expect(bestOf(recordings)).toBe(recordings[best]);
  });

  it("none, when none was expected", () => {
    expect(bestOf([])).toBeNull();
  });

  it("first in the order of the list", () => {
    const recordings = [some("engine", "verified"), some("carrier", "missing"), some("journal", "stored"), some("carrier", "verified")];
    expect(recordings.sort(better).map(({ source, status }) => `${source} ${status}`)).toEqual([
      "carrier verified",
      "engine verified",
      "journal stored",
      "carrier missing",
    ]);
  });
});
