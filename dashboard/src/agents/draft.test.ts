import { describe, expect, it } from "vitest";
import { AgentSettings } from "../ask/shapes.ts";
import { draftOf, emptyDraft, settingsOf } from "./draft.ts";
import { firstHours } from "./hours.ts";

const settings = AgentSettings.parse({
  name: "Desk",
  prompt: "Help {{name}}.",
  greeting: "Hello.",
  voice: "Ito",
  numbers: ["+12025550100", "+12025550101"],
  options: { temperature: 0.4 },
});

describe("an agent's form", () => {
  it("gives back the settings it was filled from", () => expect(settingsOf(draftOf(settings), settings)).toEqual({ settings }));
  it("keeps an engine this page has never heard of", () => {
    const other = { ...settings, engine: "third" };
    expect(settingsOf(draftOf(other), other)).toEqual({ settings: other });
  });
  it("left untouched but for name and prompt is what the contract takes", () => {
    const read = settingsOf({ ...emptyDraft, name: " Desk ", prompt: "Help." }, null);
    expect("settings" in read && AgentSettings.parse(read.settings)).toMatchObject({
      name: "Desk",
      greeting: null,
      voice: null,
      options: {},
    });
  });
  it("says what is missing, each at its field", () => {
    expect(settingsOf({ ...emptyDraft, max_minutes: "0.5", options: "[1]", numbers: "+12025550100, hello" }, null)).toEqual({
      wrong: {
        name: "An agent needs a name.",
        prompt: "Say what the agent is to do.",
        max_minutes: "A whole number of minutes, 1 to 120.",
        numbers: "hello is no telephone number with its country code.",
        options: "This is not a JSON object.",
      },
    });
  });
  it("keeps the rules of the line, and says nothing of them where nobody has set one", () => {
    const lined: AgentSettings = {
      ...settings,
      line: {
        voicemail: "leave_message",
        voicemail_message: "Call us back.",
        notice: null,
        notice_recorded: false,
        hours: { time_zone: "UTC", open: [], closed_on: [], otherwise: { do: "say", text: "We are closed." } },
      },
    };
    expect(settingsOf(draftOf(lined), lined)).toEqual({ settings: lined });
    expect(settingsOf({ ...draftOf(lined), voicemail_message: " " }, lined)).toEqual({
      wrong: { voicemail_message: "Say what is to be left." },
    });
    expect(settingsOf(draftOf(settings), settings)).toEqual({ settings });
    expect(settingsOf({ ...draftOf(settings), hours: { ...firstHours("UTC"), text: "" } }, settings)).toEqual({
      wrong: { "hours.text": "Say what a caller hears." },
    });
  });
  it("takes numbers on lines or after commas", () => {
    const read = settingsOf({ ...draftOf(settings), numbers: "+1 202 555 0100, +12025550101\n\n" }, settings);
    expect("settings" in read && read.settings.numbers).toEqual(["+1 202 555 0100", "+12025550101"]);
  });
});
