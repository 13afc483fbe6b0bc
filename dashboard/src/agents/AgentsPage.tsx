import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { queries } from "../ask/queries.ts";
import type { Agent } from "../ask/shapes.ts";
import { buttonClass } from "../look/Button.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useTitle } from "../look/use-title.ts";
import { useMay } from "../session/use-may.ts";
import { languageName } from "../words/language.ts";
import { phoneNumber } from "../words/phone-number.ts";
import { titleOf } from "./engines.ts";

export function AgentsPage(): ReactNode {
  useTitle("Agents");
  const agents = useQuery(queries.agents());
  const mayChange = useMay("agents.change");
  return (
    <main className="pb-24">
      <div className="flex items-start justify-between gap-4 px-4 pt-4 pb-4 sm:px-6 lg:pt-5">
        <div>
          <h1 className="text-title font-strong">Agents</h1>
          <p className="max-w-[62ch] text-soft">
            The personas a caller meets. Each change makes a new version; a call keeps the one it ran with.
          </p>
        </div>
        {mayChange && (
          <Link to="/agents/$id" params={{ id: "new" }} className={buttonClass("plain")}>
            New agent
          </Link>
        )}
      </div>
      {agents.isPending ? (
        <div aria-busy="true" className="border-t border-line">
          {["w-32", "w-44", "w-24"].map((width) => (
            <div key={width} className="flex h-16 items-center border-b border-line px-4 sm:px-6">
              <div className={`bone h-4 ${width}`} />
            </div>
          ))}
        </div>
      ) : agents.isError && !agents.data ? (
        <Trouble error={agents.error} onRetry={() => void agents.refetch()} className="mx-4 sm:mx-6" />
      ) : agents.data.length === 0 ? (
        <p className="px-4 text-soft sm:px-6">There is no agent yet. Make one: without it no call can be placed or answered.</p>
      ) : (
        <ul className="border-t border-line">
          {agents.data.map((agent) => (
            <Row key={agent.id} agent={agent} />
          ))}
        </ul>
      )}
    </main>
  );
}

function Row({ agent }: { agent: Agent }) {
  const { name, engine, language, greeting, prompt, numbers } = agent.settings;
  const engines = useQuery(queries.engines());
  return (
    <li className="relative grid items-center gap-x-6 border-b border-line px-4 py-2.5 hover:bg-sunk sm:grid-cols-[minmax(0,1fr)_12rem_9rem] sm:px-6">
      <div className="min-w-0">
        <p className="flex items-baseline gap-2.5">
          <Link to="/agents/$id" params={{ id: agent.id }} className="truncate font-strong after:absolute after:inset-0">
            <bdi>{name}</bdi>
          </Link>
          {agent.is_default && <span className="text-small text-soft">Default</span>}
        </p>
        <p className="truncate text-soft">
          <bdi>{greeting ?? prompt}</bdi>
        </p>
      </div>
      <p className="text-soft max-sm:hidden">
        {numbers.length === 0 ? (
          agent.is_default ? (
            "Any number"
          ) : (
            "No number"
          )
        ) : numbers.length === 1 ? (
          <span dir="ltr">{phoneNumber(numbers[0] ?? null)}</span>
        ) : (
          `${numbers.length} numbers`
        )}
      </p>
      <p className="text-soft max-sm:hidden">
        {titleOf(engines.data, engine)}, {languageName(language) ?? language}
      </p>
    </li>
  );
}
