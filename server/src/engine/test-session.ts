import { type EngineSession, plainManners } from "./port.ts";

/** A call's session as plain as one can be, for tests that say in what theirs differs. */
export const plainSession: EngineSession = {
  callId: "call-1",
  agent: null,
  manners: plainManners,
  prompt: "You are brief.",
  variables: {},
  greeting: null,
  voice: null,
  language: "en",
  tools: [],
  inRate: 16_000,
  outRate: 16_000,
  resume: null,
  history: [],
  options: {},
};
