/** Made-up agents, one with everything set and one with nothing. */
import { Agent } from "../../src/ask/shapes.ts";
import { at, id } from "./made.ts";

export const agents = [
  {
    id: id("agent 1"),
    version: 4,
    is_default: true,
    created_at: at(Date.now() - 40 * 86_400_000),
    notes: [{ field: "patience.end_of_turn_ms", message: "EVI ends no turn sooner than after 500 ms: 500 is used." }],
    settings: {
      name: "Parcel desk",
      engine: "evi",
      options: {},
      prompt:
        "You are the voice of a parcel service. You call {{customer}} because parcel {{parcel}} could not be delivered. Offer tomorrow or Thursday, repeat what was agreed, and say goodbye. If asked, you say that you are a machine.",
      greeting: "Hello, this is the parcel desk. I am an automated voice, and this call is recorded.",
      language: "en",
      voice: "Ito",
      max_minutes: 10,
      record: true,
      numbers: ["+12025550100"],
      patience: {
        end_of_turn_ms: 400,
        nudge: { after_s: 8, text: "Are you still there?", times: 2 },
        goodbye: { after_s: 30, text: "I cannot hear you any more. Goodbye." },
      },
      transfer_number: "+12025550199",
      tools: [
        { kind: "hang_up" },
        { kind: "transfer", announcement: "A caller about {{reason}}." },
        {
          kind: "http",
          name: "find_parcel",
          description: "Finds a parcel by its number and says where it is. Use it before you offer a day.",
          parameters: { type: "object", properties: { parcel: { type: "string" }, language: { type: "string" } }, required: ["parcel"] },
          url: "https://parcels.example.com/find",
          secret_headers: [{ name: "Authorization", secret: id("secret") }],
        },
      ],
      line: {
        notice: "This call is recorded.",
        notice_recorded: true,
        hours: {
          time_zone: "Europe/Berlin",
          open: [
            { days: ["mon", "tue", "wed", "thu", "fri"], from: "08:30", to: "12:30" },
            { days: ["mon", "tue", "thu"], from: "13:30", to: "18:00" },
            { days: ["sat"], from: "22:00", to: "02:00" },
          ],
          closed_on: ["2026-12-24", "2026-12-25", "2026-12-26", "2027-01-01"],
          otherwise: { do: "say", text: "The parcel desk is closed just now. Please call again during our opening hours." },
        },
      },
    },
  },
  {
    id: id("agent 2"),
    version: 1,
    is_default: false,
    created_at: at(Date.now() - 3 * 86_400_000),
    settings: {
      name: "Urdu desk",
      engine: "evi",
      options: {},
      prompt: "آپ اردو میں بات کرتے ہیں۔",
      greeting: null,
      language: "ur",
      voice: null,
      max_minutes: 30,
      record: true,
      numbers: [],
    },
  },
].map((agent) => Agent.parse(agent));
