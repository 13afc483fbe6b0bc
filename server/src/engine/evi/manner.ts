import { iso639 } from "../language.ts";
import { extraProblems, optionProblems } from "../options.ts";
import type { EngineManner, EngineProblem } from "../port.ts";
import { EviOptions, reserved } from "./settings.ts";

/** What EVI 4-mini speaks; EVI 3 speaks the first alone (hume-evi §1.1). */
const spoken = ["en", "ja", "ko", "es", "fr", "pt", "it", "de", "ru", "hi", "ar"];

/**
 * What EVI makes of an agent's settings (hume-evi §0, §1.1, §2.2, §4.1).
 * @param hasConfig has the server a Config (HUME_CONFIG_ID) for agents that name none?
 */
export const eviManner = (hasConfig: boolean): EngineManner => ({
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
    const spelt = iso639(language) ?? language;
    const mayBeMini = hasConfig || [options.language_model, options.evi_version, options.config_id].some((one) => one !== undefined);
    if (!spoken.includes(spelt))
      found.push({
        field: "language",
        message: `EVI does not speak ${language}: EVI 4-mini, its widest version, speaks ${spoken.join(", ")}.`,
      });
    else if (spelt !== "en" && (!mayBeMini || options.evi_version === "3"))
      found.push({
        field: "language",
        message:
          "EVI 3 speaks English alone: other languages need evi_version 4-mini and a language_model in the options, or in a Config of your own.",
      });
    if (options.hang_up === false && manners.hangsUp)
      found.push({ field: "options.hang_up", message: "is false, so the tool hang_up is not offered to EVI." });
    return found;
  },
  refuses: ({ options }) => [
    ...optionProblems(EviOptions, options),
    ...extraProblems(options.extra, reserved),
    ...(options.evi_version === "4-mini" && [options.language_model, options.config_id].every((one) => one === undefined) && !hasConfig
      ? [miniNeedsModel]
      : []),
  ],
});

export const miniNeedsModel: EngineProblem = {
  field: "options.language_model",
  message: "is needed by evi_version 4-mini; give model_provider and model_resource, or a config_id whose Config has one",
};
