import { Failure } from "../failure.ts";

export class AgentUnknown extends Failure {
  readonly code = "AGENT_UNKNOWN";
  readonly blame = "caller";
  readonly status = 404;
  constructor(agent: string) {
    super(`There is no agent ${agent.slice(0, 60)}.`, {
      remedy: "Take the id from GET /api/agents, or leave agent_id out for the default agent.",
      fields: [{ field: "agent_id", message: "is not one of the agents" }],
    });
  }
}

export class NoAgent extends Failure {
  readonly code = "NO_AGENT";
  readonly blame = "operator";
  readonly status = 409;
  constructor() {
    super("There is no default agent, and the request names none.", { remedy: "Make an agent the default, or send agent_id." });
  }
}

export class DefaultAgentNeeded extends Failure {
  readonly code = "DEFAULT_AGENT_NEEDED";
  readonly blame = "operator";
  readonly status = 409;
  constructor() {
    super("The default agent cannot be taken out of service: it takes the calls no other agent claims.", {
      remedy: "Make another agent the default first.",
    });
  }
}

export class AgentChanged extends Failure {
  readonly code = "AGENT_CHANGED";
  readonly blame = "caller";
  readonly status = 409;
  constructor(agent: string, version: number) {
    super(`Agent ${agent} was changed by someone else: it is at version ${version} now.`, {
      remedy: "Read it again, make your change there, and save.",
    });
  }
}

export class EngineNotConfigured extends Failure {
  readonly code = "ENGINE_NOT_CONFIGURED";
  readonly blame = "operator";
  readonly status = 422;
  constructor(engine: string, configured: readonly string[], field: "engine" | "agent_id") {
    super(`The engine ${JSON.stringify(engine)} is not configured, so its agents cannot talk.`, {
      remedy:
        "Set the variables it needs (GET /api/engines lists the engines there are, with theirs) and restart, or give the agent an engine that is configured.",
      fields: [{ field, message: `needs the engine ${engine}; configured: ${configured.join(", ") || "none"}` }],
    });
  }
}

export class AgentNumberInvalid extends Failure {
  readonly code = "AGENT_NUMBER_INVALID";
  readonly blame = "caller";
  readonly status = 422;
  constructor(numbers: readonly { readonly place: string; readonly number: string }[]) {
    super(`${numbers.map(({ number }) => JSON.stringify(number)).join(", ")} is no number that can be called or answered.`, {
      remedy: "Write each number with + and its country code: +12025550143.",
      fields: numbers.map(({ place }) => ({ field: place, message: "is not a phone number with + and its country code" })),
    });
  }
}

export class AgentRefused extends Failure {
  readonly code = "AGENT_REFUSED";
  readonly blame = "caller";
  readonly status = 422;
  constructor(problems: readonly { readonly field: string; readonly message: string }[]) {
    super(`The agent was not saved: with these settings its calls would fail (${problems.map(({ field }) => field).join(", ")}).`, {
      remedy: "Mend each field named in errors, and save again.",
      fields: problems.map(({ field, message }) => ({ field, message })),
    });
  }
}

export class NumberTaken extends Failure {
  readonly code = "NUMBER_TAKEN";
  readonly blame = "operator";
  readonly status = 409;
  constructor(number: string, agent: string) {
    super(`${number} is answered by the agent ${JSON.stringify(agent)} already.`, {
      remedy: "Take the number from that agent first; a number has one agent.",
      fields: [{ field: "numbers", message: `${number} belongs to another agent` }],
    });
  }
}
