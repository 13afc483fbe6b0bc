import { expect, test } from "vitest";
import type { EngineConnection } from "../port.ts";
import { eviAbilities } from "./evi.ts";
import { lateConnection } from "./late.ts";

/** Writes down what it is told. */
function noting(name: string, notes: string[]): EngineConnection {
  const note =
    (what: string) =>
    (...args: unknown[]): void =>
      void notes.push(`${name} ${what} ${args.join()}`);
  return {
    abilities: eviAbilities,
    audio: note("audio"),
    say: note("say"),
    context: note("context"),
    toolResult: note("toolResult"),
    played: note("played"),
    playing: note("playing"),
    close: note("close"),
  };
}

test("what is told beside the conversation, and that the caller hears something, waits for a connection that is opened late", () => {
  const notes: string[] = [];
  const late = lateConnection(eviAbilities, () => notes.push("closed"));
  late.connection.context("Key 4.", false);
  late.connection.context("Answer.", true);
  late.connection.playing(true);
  late.open(() => noting("first", notes));
  late.open(() => noting("second", notes));
  late.connection.say("Hello.", "exact");
  late.connection.close();
  expect(notes).toEqual([
    "first context Key 4.,false",
    "first playing true",
    "second playing true",
    "second say Hello.,exact",
    "second close ",
  ]);
});

test("one that was closed is opened nowhere", () => {
  const notes: string[] = [];
  const late = lateConnection(eviAbilities, () => notes.push("closed"));
  late.connection.close();
  late.connection.close();
  late.open(() => noting("first", notes));
  expect(notes).toEqual(["closed"]);
});
