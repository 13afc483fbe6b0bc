import { expect, test } from "vitest";
import { ChatContext } from "./context.ts";

const told = (context: ChatContext): unknown => (context.settings as { context?: { text: string } }).context?.text;

test("what had arrived is read with the caller's words, and what had not is read with their next", () => {
  const context = new ChatContext([], ["Key 1."]);
  context.add("Key 2.");
  const sent = context.ping;
  context.add("Key 3.");
  context.pong(sent);
  expect(context.read()).toBe(true);
  expect(told(context)).toBe("Key 3.");
  expect(context.read()).toBe(false);
  expect(context.unread).toEqual([]);
});

test("where no ping is answered, all is read at once", () => {
  const context = new ChatContext(["Closed."]);
  context.add("Key 1.");
  expect(context.read()).toBe(true);
  expect(told(context)).toBe("Closed.");
});

test("answers that do not say what was asked keep nothing for longer than one turn", () => {
  const context = new ChatContext([]);
  context.pong("");
  context.add("Key 1.");
  context.pong("");
  expect(context.read()).toBe(true);
  expect(context.unread).toEqual(["Key 1."]);
  context.add("Key 2.");
  expect(context.read()).toBe(true);
  expect(context.unread).toEqual(["Key 2."]);
});
