import type { AgentSettings } from "@earshot/contract/agent";
import type { AgentTool } from "@earshot/contract/tool";
import type { EngineSession, Manners, Tool } from "../engine/port.ts";
import type { AgentId } from "../ids.ts";

/** How the agent listens, as an engine is told. Pure. */
export const mannersOf = ({ patience, interruption, tools }: Pick<AgentSettings, "patience" | "interruption" | "tools">): Manners => ({
  endOfTurnMs: patience.end_of_turn_ms,
  interruption,
  hangsUp: tools.some(({ kind }) => kind === "hang_up"),
});

/** What the bridge does about silence (bridge/patience.ts). Pure. */
export const patienceOf = ({ patience: { nudge, goodbye } }: Pick<AgentSettings, "patience">) => ({
  nudge: nudge && { afterMs: nudge.after_s * 1000, text: nudge.text, times: nudge.times },
  goodbye: goodbye && { afterMs: goodbye.after_s * 1000, text: goodbye.text },
});

/** The tools the engine is offered. `hang_up` is not among them: engines have their own way for it (`Manners.hangsUp`). Pure. */
export const toolsOf = ({ tools, transfer_number }: Pick<AgentSettings, "tools" | "transfer_number">): Tool[] =>
  tools.map((tool) => offered(tool, transfer_number !== null)).filter((tool) => tool !== null);

function offered(tool: AgentTool, canTransfer: boolean): Tool | null {
  switch (tool.kind) {
    case "hang_up":
      return null;
    case "transfer":
      return canTransfer ? transfer : null;
    case "send_dtmf":
      return sendKeys;
    case "http":
      return { name: tool.name, description: tool.description, parameters: tool.parameters };
  }
}

/** What an engine session is told of the agent beside its words. Pure. */
export const toldToEngine = (agent: {
  readonly id: AgentId;
  readonly version: number;
  readonly settings: AgentSettings;
}): Pick<EngineSession, "agent" | "manners" | "tools"> => ({
  agent: { id: agent.id, version: agent.version, name: agent.settings.name },
  manners: mannersOf(agent.settings),
  tools: toolsOf(agent.settings),
});

const transfer: Tool = {
  name: "transfer",
  description:
    "Hands the caller to a person by phone. Tell the caller first that you are connecting them, then call this. When it fails the caller is with you again.",
  parameters: {
    type: "object",
    properties: {
      reason: { type: "string", maxLength: 200, description: "In a few words, what the caller wants: the person may hear it." },
    },
    additionalProperties: false,
  },
};

const sendKeys: Tool = {
  name: "send_dtmf",
  description: "Presses keys of the phone, for a menu or an extension at the other end.",
  parameters: {
    type: "object",
    properties: { digits: { type: "string", maxLength: 50, description: "0-9, * and #; p is half a second's pause." } },
    required: ["digits"],
    additionalProperties: false,
  },
};
