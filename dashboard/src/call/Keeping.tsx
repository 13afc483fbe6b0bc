import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { queries } from "../ask/queries.ts";
import type { Call } from "../ask/shapes.ts";
import { isLive } from "../calls/states.ts";
import { Button } from "../look/Button.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useMay } from "../session/use-may.ts";
import { Delete, Deleted } from "./Deletions.tsx";
import { Whose } from "./deed.tsx";
import { Hold } from "./Hold.tsx";
import { Redacted } from "./Redacted.tsx";
import { Told } from "./Told.tsx";

/** What is decided about keeping this call: its hold, what was said about recording, what was redacted, what was deleted. */
export function Keeping({ call, onRedact }: { call: Call; onRedact: (() => void) | null }): ReactNode {
  const keeping = useQuery(queries.keeping(call.id));
  const may = useMay("keeping.manage");
  if (keeping.isPending)
    return (
      <div aria-hidden="true" className="flex flex-col gap-3 pt-4">
        <div className="bone h-4 w-48" />
        <div className="bone h-4 w-32" />
      </div>
    );
  if (keeping.isError && !keeping.data) return <Trouble error={keeping.error} onRetry={() => void keeping.refetch()} className="mt-3" />;
  const { hold, consents, redactions, deletions } = keeping.data;
  return (
    <div className="flex flex-col gap-5 pt-3">
      <Matter title="Hold">
        {hold === null ? (
          <p className="text-soft">Not on hold: rules and people may delete parts of it.</p>
        ) : (
          <>
            <p className="wrap-anywhere">
              <bdi>{hold.why}</bdi>
            </p>
            <Whose by={hold.placed_by} at={hold.placed_at} did="Placed" />
          </>
        )}
        {may && !isLive(call) && <Hold call={call} held={hold !== null} />}
      </Matter>
      <Matter title="Told about recording">
        {consents.length === 0 ? (
          <p className="text-soft">Nothing is written down.</p>
        ) : (
          consents.map((one) => <Told key={one.at} consent={one} call={call} />)
        )}
      </Matter>
      <Matter title="Redacted">
        {redactions.map((one) => (
          <Redacted key={one.id} redaction={one} />
        ))}
        {redactions.length === 0 && <p className="text-soft">Nothing.</p>}
        {may && onRedact && hold === null && (
          <Button className="mt-2" onClick={onRedact}>
            Redact a stretch
          </Button>
        )}
      </Matter>
      <Matter title="Deleted">
        {deletions.map((one) => (
          <Deleted key={one.id} deletion={one} call={call.id} />
        ))}
        {deletions.length === 0 && <p className="text-soft">Nothing.</p>}
        {may && !isLive(call) && hold === null && <Delete call={call} />}
      </Matter>
      {may && isLive(call) && <p className="text-soft">A call that runs can be held, redacted and deleted once it has ended.</p>}
    </div>
  );
}

const Matter = ({ title, children }: { title: string; children: ReactNode }) => (
  <section>
    <h3 className="pb-0.5 font-strong">{title}</h3>
    {children}
  </section>
);
