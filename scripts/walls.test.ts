import { dirname } from "node:path";
import { expect, test } from "vitest";
import { breaches, sourceFiles } from "./walls.ts";

const one = (file: string, text: string): string[] => breaches(new Map([[file, text]])).map(({ why }) => why);

test("nothing in this repository goes through a wall", () => {
  expect(breaches(sourceFiles(dirname(import.meta.dirname)))).toEqual([]);
});

test.each([
  ["the contract uses a package besides zod", "contract/src/call.ts", 'import pg from "pg";', "nothing but zod"],
  ["the contract uses Node", "contract/src/call.ts", 'import { join } from "node:path";', "nothing but zod"],
  [
    "an emulator knows the server",
    "emulators/vonage/leg.ts",
    'import { newId } from "../../server/src/ids.ts";',
    "may not know server/src/ids.ts",
  ],
  [
    "an emulator knows the contract",
    "emulators/evi/ear.ts",
    'import type { Call } from "@earshot/contract/call";',
    "may not know contract/src",
  ],
  [
    "the server knows an emulator",
    "server/src/calls/place.ts",
    'import { people } from "../../../emulators/people/people.ts";',
    "may not know emulators",
  ],
  ["the dashboard knows an emulator", "dashboard/src/main.tsx", 'import("../../emulators/people/people.ts")', "may not know emulators"],
  [
    "the dashboard knows the server",
    "dashboard/src/main.tsx",
    'import { leadsTo } from "../../server/src/calls/store.ts";',
    "may not know server/src/calls",
  ],
  [
    "a rule knows the door for people",
    "server/src/calls/place.ts",
    'import { openDoor } from "../http/door.ts";',
    "may not know server/src/http",
  ],
  [
    "a rule knows the bridge",
    "server/src/recordings/work.ts",
    'export { step } from "../bridge/step.ts";',
    "may not know server/src/bridge",
  ],
  ["a rule knows a vendor", "server/src/agents/store.ts", 'import { x } from "../engine/evi/wire.ts";', "vendor's room"],
  ["the bridge knows a vendor", "server/src/bridge/run.ts", 'import { x } from "../carrier/vonage/wire.ts";', "vendor's room"],
  ["one vendor knows another", "server/src/engine/openai/wire.ts", 'import { x } from "../evi/wire.ts";', "vendor's room"],
  [
    "the door for people knows a vendor",
    "server/src/http/door.ts",
    'new Worker(new URL("../carrier/vonage/door.ts", import.meta.url))',
    "vendor's room",
  ],
  [
    "the database knows a rule",
    "server/src/db/notify.ts",
    'import { loadCall } from "../calls/store.ts";',
    "may not know server/src/calls",
  ],
  ["configuration knows a part", "server/src/config.ts", 'import { openPool } from "./db/pool.ts";', "may not know server/src/db"],
  ["a port knows its adapter", "server/src/engine/port.ts", 'import type { x } from "./evi/adapter.ts";', "vendor's room"],
  ["someone imports main", "server/src/http/door.ts", 'import "../main.ts";', "may not know server/src/main.ts"],
  ["a part reads the environment", "server/src/http/door.ts", 'const port = process.env["PORT"];', "process.env"],
  ["an emulator's part reads the environment", "emulators/vonage/run.ts", "if (process.env.DEBUG) log();", "process.env"],
  [
    "a test of the server knows an emulator",
    "server/src/calls/place.test.ts",
    'import { x } from "../../../emulators/vonage/run.ts";',
    "may not know emulators",
  ],
  ["a file stands in no room", "server/src/utils/text.ts", "export const x = 1;", "has no room"],
])("it is found when %s", (_what, file, text, why) => {
  expect(one(file, text)).toEqual([expect.stringContaining(why)]);
});

test.each([
  ["a rule uses a port", "server/src/calls/place.ts", 'import type { Carrier } from "../carrier/port.ts";'],
  ["a rule uses another rule", "server/src/calls/apply.ts", 'import { announce } from "../recordings/announce.ts";'],
  ["a vendor's room uses itself", "server/src/carrier/vonage/client.ts", 'import { wire } from "./wire.ts";'],
  ["main wires everyone", "server/src/main.ts", 'import { client } from "./carrier/vonage/client.ts"; const env = process.env;'],
  ["a test has a database", "server/src/calls/place.test.ts", 'import { freshDatabase } from "../../test/database.ts";'],
  [
    "a test tries a rule with a real vendor's room",
    "server/src/recordings/test-files.ts",
    'import { c } from "../carrier/vonage/client.ts";',
  ],
  ["the configuration is tested", "server/src/config.test.ts", 'import { readConfig } from "./config.ts"; const path = process.env.PATH;'],
  ["a comment speaks of it", "server/src/db/pool.ts", '// import { x } from "../calls/store.ts"; process.env'],
])("it is fine when %s", (_what, file, text) => {
  expect(one(file, text)).toEqual([]);
});
