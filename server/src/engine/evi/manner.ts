import { extraProblems, optionProblems } from "../options.ts";
import type { EngineManner, EngineProblem } from "../port.ts";
import { EviOptions, reserved } from "./settings.ts";

/** What EVI makes of an agent's settings (hume-evi §0, §2.2, §4.1). */
export const eviManner: EngineManner = {
  mostPromptChars: null,
  always: [
    { field: "voice", message: "EVI has no setting for the pace of a voice: choose another voice, or ask for a pace in the prompt." },
    { field: "patience.end_of_turn_ms", message: "EVI ends a turn after 500 to 3000 ms of silence, never sooner or later." },
    { field: "interruption", message: "EVI can always be interrupted; with never, 2 s of speech do it." },
    { field: "tools", message: "Tools need a language model that can call tools in the EVI configuration." },
  ],
  notes({ manners, options, language }) {
    const { endOfTurnMs, interruption } = manners;
    const found: EngineProblem[] = [];
    if (endOfTurnMs !== null && endOfTurnMs < 500)
      found.push({ field: "patience.end_of_turn_ms", message: "EVI ends no turn sooner than after 500 ms: 500 is used." });
    if (endOfTurnMs !== null && endOfTurnMs > 3000)
      found.push({ field: "patience.end_of_turn_ms", message: "EVI waits no longer than 3000 ms for the end of a turn: 3000 is used." });
    if (interruption === "never")
      found.push({ field: "interruption", message: "EVI can always be interrupted: it takes 2 s of speech, which is the most it allows." });
    if (!/^en\b/i.test(language) && [options.language_model, options.evi_version, options.config_id].every((one) => one === undefined))
      found.push({
        field: "language",
        message:
          "EVI 3 speaks English alone: other languages need evi_version 4-mini and a language_model in the options, or in a Config of your own.",
      });
    if (options.hang_up === false && manners.hangsUp)
      found.push({ field: "options.hang_up", message: "is false, so the tool hang_up is not offered to EVI." });
    return found;
  },
  refuses: ({ options }) => [...optionProblems(EviOptions, options), ...extraProblems(options.extra, reserved)],
};
