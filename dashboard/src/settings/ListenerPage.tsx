import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { z } from "zod";
import { ask } from "../ask/ask.ts";
import { queries } from "../ask/queries.ts";
import { Listener, type Telling } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Moment } from "../look/Moment.tsx";
import { Part } from "../look/Part.tsx";
import { Question } from "../look/Question.tsx";
import { Segments } from "../look/Segments.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useTitle } from "../look/use-title.ts";
import { count } from "../words/text.ts";
import { ahead, exactly } from "../words/time.ts";
import { hostOf, kindsSaid, Standing } from "./Listeners.tsx";
import { NotYours } from "./SettingsFrame.tsx";

/** One system that is told: how it stands, and everything it was told, with its answers. */
export function ListenerPage(): ReactNode {
  const { id } = useParams({ from: "/inside/settings/listeners/$id" });
  const listeners = useQuery(queries.listeners());
  const listener = listeners.data?.find((one) => one.id === id);
  return (
    <NotYours needs="listeners.manage">
      <p className="pt-3">
        <Link to="/settings/listeners" className="reach inline-flex items-center gap-1 py-1 text-soft hover:text-ink">
          <span aria-hidden="true" className="rtl:-scale-x-100">
            ←
          </span>
          Other systems
        </Link>
      </p>
      {listeners.isPending ? (
        <div className="bone h-8 w-64" />
      ) : listeners.isError && !listener ? (
        <Trouble error={listeners.error} onRetry={() => void listeners.refetch()} />
      ) : listener ? (
        <One listener={listener} />
      ) : (
        <p className="text-soft">No such system is told anything; it may have been removed.</p>
      )}
    </NotYours>
  );
}

function One({ listener }: { listener: Listener }) {
  const name = listener.said === "" ? hostOf(listener.url) : listener.said;
  useTitle(name);
  return (
    <>
      <h2 className="text-lead font-strong wrap-anywhere">
        <bdi>{name}</bdi>
      </h2>
      <p dir="ltr" className="font-mono text-small wrap-anywhere text-soft rtl:text-right">
        {listener.url}
      </p>
      <Part title="How it stands">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <Standing listener={listener} />
          <Deeds listener={listener} />
        </div>
        <p className="text-soft">
          {listener.kinds.map((kind) => kindsSaid[kind]).join(". ")}. Since <Moment at={listener.made_at} />
        </p>
      </Part>
      <Part title="What it was told" about="The latest 500. Each comes at least once, under the same id.">
        <Tellings listener={listener} />
      </Part>
    </>
  );
}

function Deeds({ listener }: { listener: Listener }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const paused = listener.paused_at !== null;
  const reread = () => client.invalidateQueries({ queryKey: ["listeners"] });
  const pause = useMutation({
    mutationFn: () => ask(Listener, `/listeners/${listener.id}`, { method: "PATCH", body: { paused: !paused } }),
    onSettled: reread,
  });
  const remove = useMutation({
    mutationFn: () => ask(z.object({ removed: z.literal(true) }), `/listeners/${listener.id}`, { method: "DELETE" }),
    onSuccess: async () => {
      await reread();
      void navigate({ to: "/settings/listeners" });
    },
  });
  return (
    <>
      <Button busy={pause.isPending} onClick={() => pause.mutate()}>
        {paused ? "Tell it again" : "Pause"}
      </Button>
      <Button look="bare" onClick={() => setAsking(true)}>
        Remove
      </Button>
      {paused && <p className="w-full text-soft">What happens meanwhile waits and is told afterwards.</p>}
      {pause.error && <Trouble error={pause.error} className="w-full" />}
      {asking && (
        <Question title="Tell this system nothing more?" verb="Remove" keep="Keep it" asked={remove} onClose={() => setAsking(false)}>
          <p>
            <bdi className="font-strong wrap-anywhere">{hostOf(listener.url)}</bdi> hears no more. What waits for it is dropped, and its
            secret is forgotten.
          </p>
        </Question>
      )}
    </>
  );
}

const shownKinds = { all: "All", waiting: "Waiting", dead: "Given up" } as const;

function Tellings({ listener }: { listener: Listener }) {
  const client = useQueryClient();
  const [shown, setShown] = useState<keyof typeof shownKinds>("all");
  const tellings = useQuery(queries.tellings(listener.id));
  const again = useMutation({
    mutationFn: async (ids: readonly string[]) => {
      for (const id of ids) await ask(z.object({ id: z.uuid() }), `/tellings/${id}/again`, { method: "POST" });
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["listeners"] }),
  });
  if (tellings.isPending) return <div key="bone" className="bone h-40 w-full max-w-3xl" />;
  if (tellings.isError && !tellings.data) return <Trouble error={tellings.error} onRetry={() => void tellings.refetch()} />;
  if (tellings.data.length === 0) return <p className="text-soft">Nothing yet. It is told with the next call that ends.</p>;
  const found = tellings.data.filter(({ status }) => shown === "all" || status === shown);
  const dead = tellings.data.filter(({ status }) => status === "dead").map(({ id }) => id);
  return (
    <>
      <div className="flex w-full max-w-3xl flex-wrap items-end justify-between gap-3">
        <Segments
          label="Show"
          value={shown}
          options={Object.entries(shownKinds) as [keyof typeof shownKinds, string][]}
          onChoose={setShown}
        />
        {dead.length > 0 && (
          <Button busy={again.isPending} onClick={() => again.mutate(dead)}>
            Tell {dead.length === 1 ? "the one" : `all ${dead.length}`} given up again
          </Button>
        )}
      </div>
      {again.error && <Trouble error={again.error} />}
      {found.length === 0 && <p className="text-soft">{shown === "dead" ? "Nothing was given up." : "Nothing waits."}</p>}
      <ol className="w-full max-w-3xl border-t border-line empty:hidden">
        {found.map((telling) => (
          <Told key={telling.id} telling={telling} onAgain={() => again.mutate([telling.id])} busy={again.isPending} />
        ))}
      </ol>
    </>
  );
}

function Told({ telling, onAgain, busy }: { telling: Telling; onAgain: () => void; busy: boolean }) {
  const { status, attempts, answer, because, next_attempt_at, told_at } = telling;
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 border-b border-line py-1.5 sm:min-h-10 sm:grid-cols-[7.5rem_minmax(0,1fr)_auto_5.5rem]">
      <Moment at={telling.made_at} className="tabular text-small text-soft max-sm:col-span-2" />
      <p className="min-w-0">
        <Link
          to="/calls/$id"
          params={{ id: telling.call_id }}
          className="reach underline decoration-edge underline-offset-2 hover:decoration-ink"
        >
          {kindsSaid[telling.kind]}
        </Link>
        {status !== "told" && because !== null && <span className="block text-small wrap-anywhere text-soft">{because}</span>}
      </p>
      <p className="text-small text-soft sm:text-end">
        {status === "told" ? (
          <span className="text-good">
            Told
            {told_at !== null && (
              <span className="sr-only">
                {" "}
                <Moment at={told_at} />
              </span>
            )}
          </span>
        ) : status === "dead" ? (
          <span className="text-look">Given up</span>
        ) : (
          <>
            Waits
            {next_attempt_at !== null && attempts > 0 && (
              <>
                , again <Moment at={next_attempt_at} said={ahead} />
              </>
            )}
          </>
        )}
        {answer !== null && <span className="tabular">, HTTP {answer}</span>}
        {attempts > 1 && <span>, {count(attempts, "try", "tries")}</span>}
      </p>
      <Button
        look="bare"
        busy={busy}
        className="max-sm:col-start-2 max-sm:row-span-2 max-sm:row-start-2 sm:justify-self-end"
        aria-label={`Tell again: ${kindsSaid[telling.kind]}, ${exactly(telling.made_at)}`}
        onClick={onAgain}
      >
        Tell again
      </Button>
    </li>
  );
}
