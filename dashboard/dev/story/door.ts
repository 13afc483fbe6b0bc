/** Who is on the emulated line, and which programs have a key. */
import { ApiKey, EmulatedNumber } from "../../src/ask/shapes.ts";
import { at, id } from "./made.ts";

export const emulated = [
  { number: "+12025550101", name: "the polite caller", habit: "Talks, thanks, and hangs up." },
  { number: "+12025550102", name: "the one who interrupts", habit: "Cuts into what the agent says." },
  { number: "+12025550103", name: "the busy line", habit: "Is always on the phone." },
  { number: "+12025550104", name: "the one who never answers", habit: "Lets it ring." },
  { number: "+12025550105", name: "the voicemail box", habit: "Plays its greeting and beeps." },
].map((person) => EmulatedNumber.parse(person));

export const keys = [
  {
    id: id("key 1"),
    name: "Order system",
    prefix: "es_4f7a",
    role: "member",
    created_at: at(Date.now() - 9e8),
    last_used_at: at(Date.now() - 240_000),
    from_environment: false,
    revoked_at: null,
  },
  {
    id: id("key 2"),
    name: "Reports",
    prefix: "es_b01c",
    role: "viewer",
    created_at: at(Date.now() - 4e8),
    last_used_at: null,
    from_environment: false,
    revoked_at: null,
  },
].map((key) => ApiKey.parse(key));
