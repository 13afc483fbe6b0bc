import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { isUnknown } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { Trouble } from "../look/Trouble.tsx";
import { draftOf, emptyDraft } from "./draft.ts";
import { Editor } from "./Editor.tsx";

/** An agent as it is now, as it was in an older version, or a new one. */
export function AgentPage(): ReactNode {
  const { id } = useParams({ from: "/inside/agents/$id" });
  const { version } = useSearch({ from: "/inside/agents/$id" });
  const isNew = id === "new";
  const agent = useQuery({ ...queries.agent(id), enabled: !isNew });
  const past = version !== undefined && agent.data !== undefined && version !== agent.data.version;
  const older = useQuery({ ...queries.agentVersion(id, version ?? 1), enabled: past });

  const failed = agent.error ?? older.error;
  return (
    <main className="px-4 pt-3 pb-24 sm:px-6">
      <Link to="/agents" className="reach inline-flex items-center gap-1 py-1 text-soft hover:text-ink">
        <span aria-hidden="true" className="rtl:-scale-x-100">
          ←
        </span>
        Agents
      </Link>
      {isNew ? (
        <Editor key="new" agent={null} shown={emptyDraft} past={false} />
      ) : failed && !(agent.data && !past) ? (
        isUnknown(failed) ? (
          <p className="pt-6 text-soft">There is no such agent, or no such version of it.</p>
        ) : (
          <Trouble error={failed} onRetry={() => void agent.refetch()} className="mt-4" />
        )
      ) : agent.data && (!past || older.data) ? (
        <Editor
          key={`${id} ${past ? version : agent.data.version}`}
          agent={agent.data}
          shown={draftOf(past && older.data ? older.data : agent.data.settings)}
          past={past}
          version={past ? version : agent.data.version}
        />
      ) : (
        <div aria-busy="true" className="max-w-2xl">
          <div className="bone mt-1 h-7 w-48" />
          <div className="bone mt-8 h-8 w-full" />
          <div className="bone mt-8 h-48 w-full" />
        </div>
      )}
    </main>
  );
}
