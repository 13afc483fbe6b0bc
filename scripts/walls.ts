import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";

/**
 * The walls between the rooms (design: doors -> rules -> db, one way; the outside world never knows the server). A file belongs to the
 * room with the longest path that fits, and may import its own room and the rooms named. Every file has a room; only main.ts sees all.
 */
interface Room {
  /** A folder, or a single file. */
  readonly at: string;
  /** Other rooms it may import: their `at`; "everything" for whoever wires the parts. */
  readonly may: readonly string[] | "everything";
  /** The only npm packages it may use; absent: any. */
  readonly packages?: readonly string[];
  /** Imported by nobody but itself and main.ts: a vendor's spelling stops here. */
  readonly vendor?: true;
}

const ground = [
  "contract/src",
  "server/src/failure.ts",
  "server/src/ids.ts",
  "server/src/clock.ts",
  "server/src/prices.ts",
  "server/src/web-address.ts",
  "server/src/download.ts",
  "server/src/refusal-words.ts",
];
const ports = [
  "server/src/carrier/port.ts",
  "server/src/carrier/failures.ts",
  "server/src/engine/port.ts",
  "server/src/engine/failures.ts",
];
const rules = ["calls", "conversation", "recordings", "agents", "people", "emotion", "outgoing", "tools"].map(
  (room) => `server/src/${room}`,
);
const below = [...ground, ...ports, "server/src/db", "server/src/jobs", "server/src/journal", "server/src/sound"];
const doors = [...below, ...rules];
/** An adapter may take its part of the configuration as it is. */
const vendors = [...doors, "server/src/bridge", "server/src/config.ts"];
/** Where the table of engines is: the one file beside main.ts that knows each of them. */
const engines = "server/src/engine/kinds.ts";
/** Each engine has a folder; a new one needs no word here. */
const engineRooms = readdirSync(join(import.meta.dirname, "..", "server/src/engine"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => `server/src/engine/${name}`);

export const rooms: readonly Room[] = [
  { at: "contract/src", may: [], packages: ["zod"] },
  { at: "dashboard", may: ["contract/src"] },
  { at: "emulators", may: [] },
  { at: "e2e", may: ["contract/src", "emulators"] },
  { at: "bench", may: "everything" },
  {
    at: "scripts",
    may: [
      ...["contract/src", "server/src/config.ts", "server/src/env-file.ts", engines],
      ...["server/src/failure.ts", "server/src/heap-flags.ts", "server/src/db"],
    ],
  },
  { at: "vitest.config.ts", may: [] },

  { at: "server/src/main.ts", may: "everything" },
  { at: "server/src/cli", may: "everything" },
  { at: "server/src/config.ts", may: [...ground, "server/src/misspelt.ts", "server/src/engine", engines] },
  { at: "server/src/env-file.ts", may: ["server/src/config.ts"] },
  { at: "server/src/misspelt.ts", may: [] },
  { at: "server/src/failure.ts", may: [] },
  { at: "server/src/ids.ts", may: [] },
  { at: "server/src/clock.ts", may: [] },
  { at: "server/src/prices.ts", may: [] },
  { at: "server/src/web-address.ts", may: [] },
  { at: "server/src/download.ts", may: [] },
  { at: "server/src/refusal-words.ts", may: [] },
  { at: "server/src/heap-flags.ts", may: [] },
  { at: "server/src/closing.ts", may: [] },
  { at: "server/src/log.ts", may: ["server/src/config.ts"] },
  { at: "server/src/carrier/port.ts", may: ground },
  { at: "server/src/carrier/failures.ts", may: ground },
  { at: "server/src/engine/port.ts", may: ground },
  { at: "server/src/engine/failures.ts", may: ground },
  { at: "server/src/db", may: ground },
  { at: "server/src/jobs", may: [...ground, "server/src/db"] },
  { at: "server/src/sound", may: ground },
  { at: "server/src/journal", may: [...ground, ...ports, "server/src/sound"] },
  ...rules.map((at) => ({ at, may: [...below, ...rules] })),
  { at: "server/src/http", may: doors },
  { at: "server/src/bridge", may: doors },
  { at: "server/src/carrier", may: doors },
  { at: "server/src/engine", may: doors },
  { at: "server/src/carrier/vonage", may: [...vendors, "server/src/carrier"], vendor: true },
  { at: engines, may: ["server/src/engine", ...engineRooms] },
  ...engineRooms.map((at) => ({ at, may: [...vendors, "server/src/engine"], vendor: true }) as const),
  { at: "server/src/emotion/expression", may: doors, vendor: true },
  { at: "server/test", may: "everything" },
];

/** Tests, and files made for tests, try a part together with its real neighbours: inside the server they may know every room. */
const madeForTests = /(\.test\.tsx?|\/test-[a-z-]+\.ts)$/;

/** Where the environment may be read: configuration, programs' entrances, and what is not the product. */
const mayReadEnvironment = [
  /^server\/src\/(main|config|cli\/main)\.ts$/,
  /^emulators\/[a-z]+\/main\.ts$/,
  /^(scripts|e2e|bench|server\/test)\//,
  /\.config\.ts$/,
  /\.test\.tsx?$/,
];

/** A file that goes through a wall, and how. */
export interface Breach {
  readonly file: string;
  readonly line: number;
  readonly why: string;
}

/** Finds every breach in `files`: path from the repository's root (with slashes) -> text. */
export function breaches(files: ReadonlyMap<string, string>): Breach[] {
  const found: Breach[] = [];
  for (const [file, text] of files) {
    const room = roomOf(file);
    if (room === null) {
      found.push({ file, line: 1, why: "has no room: name it in scripts/walls.ts" });
      continue;
    }
    for (const [index, line] of text.split("\n").entries()) {
      if (/^\s*(\/\/|\/?\*)/.test(line)) continue;
      const breach = (why: string): number => found.push({ file, line: index + 1, why });
      for (const [, wanted] of line.matchAll(/(?:\bfrom|\bimport|\bnew URL)\s*\(?\s*["']([^"']+)["']/g)) {
        const why = forbids(file, room, wanted as string);
        if (why !== null) breach(why);
      }
      if (/\bprocess\s*\.\s*env\b/.test(line) && !mayReadEnvironment.some((path) => path.test(file))) {
        breach("reads process.env: what is configured comes from config.ts as an argument");
      }
    }
  }
  return found;
}

/** Why `file` in `room` may not import `wanted`; null when it may. */
function forbids(file: string, room: Room, wanted: string): string | null {
  const isTest = madeForTests.test(file);
  const target = wanted.startsWith(".")
    ? posix.join(posix.dirname(file), wanted)
    : wanted.replace(/^@earshot\/contract\/(.+)$/, "contract/src/$1.ts");
  if (!wanted.startsWith(".") && target === wanted) {
    const name = wanted
      .split("/")
      .slice(0, wanted.startsWith("@") ? 2 : 1)
      .join("/");
    if (room.packages === undefined || room.packages.includes(name) || isTest) return null;
    return `imports ${wanted}: ${room.at} imports nothing but ${room.packages.join(", ")}`;
  }
  const other = roomOf(target);
  if (other === null || other === room || room.may === "everything") return null;
  if (isTest && file.startsWith("server/") && other.at.startsWith("server/")) return null;
  if (other.vendor && !room.may.includes(other.at)) return `imports ${target}: ${other.at} is a vendor's room, known to main.ts alone`;
  return room.may.includes(other.at) ? null : `imports ${target}: ${room.at} may not know ${other.at}`;
}

function roomOf(file: string): Room | null {
  const tested = file.replace(/\.test(\.tsx?)$/, "$1");
  const fitting = rooms.filter(({ at }) => tested === at || tested.startsWith(`${at}/`));
  return fitting.reduce<Room | null>((best, room) => (best === null || room.at.length > best.at.length ? room : best), null);
}

/** Every TypeScript file of the repository below `root`, with its text. */
export function sourceFiles(root: string): Map<string, string> {
  const files = new Map<string, string>();
  const collect = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (/^(\.|node_modules$|dist)/.test(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) collect(path);
      else if (/\.tsx?$/.test(entry.name)) files.set(relative(root, path).split(sep).join("/"), readFileSync(path, "utf8"));
    }
  };
  collect(root);
  return files;
}
