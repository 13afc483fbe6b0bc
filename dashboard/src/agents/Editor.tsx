import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { Agent } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useTitle } from "../look/use-title.ts";
import { useMay } from "../session/use-may.ts";
import { type Draft, settingsOf, type Wrong } from "./draft.ts";
import { useAgentForm } from "./form.tsx";
import { HoursPart } from "./HoursPart.tsx";
import { LinePart } from "./LinePart.tsx";
import { OptionsPart } from "./OptionsPart.tsx";
import { PatiencePart } from "./PatiencePart.tsx";
import { PersonaParts } from "./PersonaParts.tsx";
import { RecordingPart } from "./RecordingPart.tsx";
import { Standing, Versions } from "./Standing.tsx";
import { ToolsPart } from "./ToolsPart.tsx";

/** The whole form of an agent: what is changed is a draft until it is saved as the next version. */
export function Editor({ agent, shown, past, version }: { agent: Agent | null; shown: Draft; past: boolean; version?: number }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const mayChange = useMay("agents.change");
  useTitle(agent?.settings.name ?? "New agent");
  const [draft, setDraft] = useState(shown);
  const [wrong, setWrong] = useState<Wrong>({});
  const [attempts, setAttempts] = useState(0);
  const page = useRef<HTMLFormElement>(null);
  const changed = JSON.stringify(draft) !== JSON.stringify(shown);

  const keep = (saved: Agent) => {
    client.setQueryData(queries.agent(saved.id).queryKey, saved);
    void client.invalidateQueries({ queryKey: ["agents"], exact: true });
  };
  const save = useMutation({
    mutationFn: (body: unknown) =>
      agent === null
        ? ask(Agent, "/agents", { method: "POST", body })
        : ask(Agent, `/agents/${agent.id}`, { method: "PUT", body, headers: { "if-match": `"${agent.version}"` } }),
    onSuccess: (saved) => {
      keep(saved);
      void navigate({ to: "/agents/$id", params: { id: saved.id }, search: {}, replace: true });
    },
  });
  // The first field that is wrong is where a person goes on.
  useEffect(() => {
    if (attempts > 0 || save.isError) page.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }, [attempts, save.isError]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (save.isPending) return;
    const read = settingsOf(draft, agent?.settings ?? null);
    setWrong("wrong" in read ? read.wrong : {});
    setAttempts(attempts + 1);
    if ("settings" in read) save.mutate(read.settings);
  };
  const refused = save.error instanceof Refused ? save.error : null;
  const form = useAgentForm({
    draft,
    setDraft,
    wrong,
    refused,
    notes: agent && agent.settings.engine === draft.engine && !past ? agent.notes : [],
  });

  return (
    <form ref={page} onSubmit={submit} noValidate className="max-w-4xl">
      <div className="flex flex-wrap items-baseline gap-x-4">
        <h1 className="text-title font-strong">
          <bdi>{agent?.settings.name ?? "New agent"}</bdi>
        </h1>
        {agent && <Versions agent={agent} shown={version ?? agent.version} />}
      </div>
      {past && agent ? (
        <p className="text-soft">
          Version {version}, as calls ran with it. Version {agent.version} is in service.{" "}
          <Link to="/agents/$id" params={{ id: agent.id }} className="reach underline underline-offset-2 hover:text-ink">
            Go to it
          </Link>
        </p>
      ) : (
        <p className="text-soft">
          {agent?.is_default
            ? "The default: it takes every call no other agent claims."
            : "What you change is heard from the next call on."}
        </p>
      )}
      <fieldset disabled={past || !mayChange} className="min-w-0">
        <PersonaParts form={form} />
        <PatiencePart form={form} />
        <ToolsPart form={form} />
        <LinePart form={form} />
        <HoursPart form={form} self={agent?.id ?? null} />
        <RecordingPart form={form} />
        <OptionsPart form={form} startsOpen={shown.options !== "{}"} />
      </fieldset>
      {save.error && <Trouble error={save.error} className="mt-5" />}
      {!past && mayChange && (
        <div data-held="foot" className="sticky bottom-0 mt-5 flex flex-wrap items-center gap-2 border-t border-line bg-paper py-3">
          <Button type="submit" look="main" disabled={!changed} busy={save.isPending}>
            {agent === null ? "Make this agent" : `Save as version ${agent.version + 1}`}
          </Button>
          {changed && agent !== null && (
            <Button look="bare" onClick={() => setDraft(shown)}>
              Undo the changes
            </Button>
          )}
          {agent && <Standing agent={agent} keep={keep} />}
        </div>
      )}
      {!mayChange && <p className="pt-5 text-soft">Your account may look at agents, not change them.</p>}
    </form>
  );
}
