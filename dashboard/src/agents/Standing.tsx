import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ask, Nothing } from "../ask/ask.ts";
import { Agent } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Sheet } from "../look/Sheet.tsx";
import { Trouble } from "../look/Trouble.tsx";

/** Which version is looked at, and the ways to its neighbours. */
export function Versions({ agent, shown }: { agent: Agent; shown: number }) {
  const neighbours = [shown - 1, shown + 1].filter((version) => version >= 1 && version <= agent.version);
  return (
    <p className="text-soft">
      Version {shown}
      {neighbours.map((version) => (
        <Link
          key={version}
          to="/agents/$id"
          params={{ id: agent.id }}
          search={version === agent.version ? {} : { version }}
          className="reach ms-3 underline decoration-edge underline-offset-2 hover:text-ink hover:decoration-ink"
        >
          {version < shown ? "Look at the one before" : "The next"}
        </Link>
      ))}
    </p>
  );
}

/** Its place among the others: the default, or out of service. */
export function Standing({ agent, keep }: { agent: Agent; keep: (agent: Agent) => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const makeDefault = useMutation({
    mutationFn: () => ask(Agent, `/agents/${agent.id}/default`, { method: "POST" }),
    onSuccess: (saved) => {
      keep(saved);
      void client.invalidateQueries({ queryKey: ["agents"] });
    },
  });
  const archive = useMutation({
    mutationFn: () => ask(Nothing, `/agents/${agent.id}`, { method: "DELETE" }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["agents"] });
      void navigate({ to: "/agents" });
    },
  });
  if (agent.is_default) return null;
  return (
    <div className="ms-auto flex gap-2">
      <Button look="bare" busy={makeDefault.isPending} onClick={() => makeDefault.mutate()}>
        Make it the default
      </Button>
      <Button look="bare" onClick={() => setAsking(true)}>
        Take out of service
      </Button>
      {makeDefault.error && <Trouble error={makeDefault.error} />}
      {asking && (
        <Sheet
          title="Take this agent out of service?"
          shape="question"
          onClose={() => setAsking(false)}
          foot={
            <>
              <Button look="grave" busy={archive.isPending} onClick={() => archive.mutate()}>
                Take out of service
              </Button>
              <Button data-first onClick={() => setAsking(false)}>
                Keep it
              </Button>
            </>
          }
        >
          <p>
            <bdi className="font-strong">{agent.settings.name}</bdi> answers and places no more calls. Its calls and versions stay as they
            are.
          </p>
          {archive.error && <Trouble error={archive.error} className="mt-3" />}
        </Sheet>
      )}
    </div>
  );
}
