import { extraProblems, optionProblems } from "../options.ts";
import type { EngineManner, EngineProblem } from "../port.ts";
import type { Dialect } from "./dialects.ts";
import { Options, reserved } from "./settings.ts";

const voices: readonly string[] = ["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"];

/** What a server of the Realtime protocol makes of an agent's settings (openai-realtime §2). */
export const mannerOf = (dialect: Dialect): EngineManner => ({
  mostPromptChars: null,
  always: dialect.verbatim
    ? []
    : [
        {
          field: "greeting",
          message: "This engine is asked to say greetings, nudges and goodbyes word for word; it usually does, and may not.",
        },
      ],
  notes({ manners, options }) {
    const found: EngineProblem[] = [];
    if (options.turn_detection !== undefined && (manners.endOfTurnMs !== null || manners.interruption !== "medium"))
      found.push({
        field: "options.turn_detection",
        message: "decides alone when a turn ends and what interrupts: patience.end_of_turn_ms and interruption are not used.",
      });
    if (options.hang_up === false && manners.hangsUp)
      found.push({ field: "options.hang_up", message: "is false, so the tool hang_up is not offered." });
    return found;
  },
  refuses({ options, voice }) {
    const found = [...optionProblems(Options, options), ...extraProblems(options.extra, reserved)];
    const known = dialect.name === "openai" || dialect.name === "azure" ? voices : null;
    if (voice !== null && known !== null && !known.includes(voice) && !voice.startsWith("voice_"))
      found.push({
        field: "voice",
        message: `is not a voice of this engine; give one of ${known.join(", ")}, or the id of your own (voice_...)`,
      });
    return found;
  },
});
