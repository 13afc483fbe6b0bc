import { Choice, TextArea, TextField } from "../look/Field.tsx";
import { Part } from "../look/Part.tsx";
import { languageName } from "../words/language.ts";
import { titles } from "./engines.ts";
import type { AgentForm } from "./form.tsx";

/** Who it is and what it says. */
export function PersonaParts({ form }: { form: AgentForm }) {
  const { draft, of, hint, engine, engines } = form;
  return (
    <>
      <Part title="Who it is">
        <div className="grid w-full gap-5 sm:grid-cols-2">
          <TextField label="Name" required maxLength={100} {...of("name")} />
          <Choice
            label="Engine"
            hint={
              engine && !engine.configured ? (
                <span className="text-look">This server has no credentials for it: it needs {engine.needs.join(", ")}.</span>
              ) : (
                hint("engine", `The AI that listens and speaks.${engine ? ` It measures ${feltBy[engine.emotions]}.` : ""}`)
              )
            }
            {...of("engine")}
          >
            {titles(engines, draft.engine).map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </Choice>
          <TextField
            label="Language"
            hint={[languageName(draft.language), "A tag, as en or ur."].filter(Boolean).join(". ")}
            maxLength={35}
            {...of("language")}
          />
          <TextField
            label="Voice"
            hint={hint("voice", "By the engine's name for it; empty for its own.")}
            maxLength={200}
            {...of("voice")}
          />
        </div>
      </Part>
      <Part title="What it says">
        <TextArea
          className="w-full"
          label="Greeting"
          rows={2}
          maxLength={1000}
          hint={hint("greeting", "Spoken once, first, at once. Left empty, the agent waits for the other party.")}
          {...of("greeting")}
        />
        <TextArea
          className="w-full"
          label="What the agent is told"
          rows={8}
          maxLength={20_000}
          hint={hint(
            "prompt",
            "{{name}} is replaced by the call's variable, {{name|words}} says what stands there without one. Asked whether it is a machine, the agent says so: that cannot be switched off.",
          )}
          {...of("prompt")}
        />
      </Part>
    </>
  );
}

const feltBy = { none: "no feelings", caller: "the caller's feelings", both: "both voices' feelings" } as const;
