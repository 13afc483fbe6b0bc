import { expect, it } from "vitest";
import { languageName } from "./language.ts";

it.each([
  ["en", "English"],
  ["ur", "Urdu"],
  ["ur-PK", "Urdu (Pakistan)"],
  ["", null],
  ["no language", null],
  ["xx", null],
])("the language tagged %j is called %s", (tag, name) => expect(languageName(tag)).toBe(name));
