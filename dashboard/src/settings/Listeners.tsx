import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useState } from "react";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { type Listener, MadeListener, TellingKind } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { TextField } from "../look/Field.tsx";
import { Part } from "../look/Part.tsx";
import { ShownOnce } from "../look/ShownOnce.tsx";
import { Tick } from "../look/Tick.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { count } from "../words/text.ts";
import { NotYours } from "./SettingsFrame.tsx";

/** What another system can be told of, in words. */
export const kindsSaid = {
  "call.ended": "A call has ended",
  "recording.stored": "A recording is there",
  "recording.missing": "A recording is missing",
  "recording.failed": "A recording failed, or was refused",
  "transcript.ready": "A transcript is whole",
} as const satisfies Record<TellingKind, string>;

/** Other systems that are told what happens here, by signed webhooks. */
export function ListenersPage(): ReactNode {
  return (
    <NotYours needs="listeners.manage">
      <Part
        title="Tell another system"
        about="By webhook, signed and tried again for half a day. It carries ids and facts, never words of a call."
      >
        <Make />
      </Part>
      <Part title="Who is told">
        <List />
      </Part>
    </NotYours>
  );
}

function Make() {
  const client = useQueryClient();
  const [kinds, setKinds] = useState<readonly TellingKind[]>(TellingKind.options);
  const make = useMutation({
    mutationFn: (body: unknown) => ask(MadeListener, "/listeners", { method: "POST", body }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["listeners"] }),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (make.isPending || kinds.length === 0) return;
    const form = event.currentTarget;
    make.mutate({ ...Object.fromEntries(new FormData(form)), kinds }, { onSuccess: () => form.reset() });
  };
  const refused = make.error instanceof Refused ? make.error : null;
  const wrong = refused?.field("url") ?? null;
  return (
    <>
      <form onSubmit={submit} className="flex w-full max-w-3xl flex-col items-start gap-4">
        <div className="grid w-full gap-4 sm:grid-cols-[3fr_2fr]">
          <TextField
            label="Its address"
            name="url"
            type="url"
            dir="ltr"
            required
            maxLength={2000}
            autoComplete="off"
            placeholder="https://example.com/hooks/earshot"
            hint="https, reachable from the internet."
            wrong={wrong}
          />
          <TextField
            label="What it is for"
            name="said"
            maxLength={200}
            autoComplete="off"
            placeholder="The order system"
            wrong={refused?.field("said") ?? null}
          />
        </div>
        <fieldset>
          <legend className="pb-1 font-strong">It is told when</legend>
          <div className="grid gap-x-6 gap-y-1.5 sm:grid-cols-2">
            {TellingKind.options.map((kind) => (
              <Tick
                key={kind}
                label={<span className="font-plain">{kindsSaid[kind]}</span>}
                hint={<span className="font-mono">{kind}</span>}
                checked={kinds.includes(kind)}
                onTick={(on) => setKinds(TellingKind.options.filter((one) => (one === kind ? on : kinds.includes(one))))}
              />
            ))}
          </div>
        </fieldset>
        <Button type="submit" busy={make.isPending} disabled={kinds.length === 0}>
          Tell it from now on
        </Button>
      </form>
      {make.error && !wrong && <Trouble error={make.error} />}
      {make.data && (
        <ShownOnce title="Keep this secret now. It cannot be shown again." secret={make.data.secret} onDone={make.reset}>
          Each webhook carries <code className="font-mono">Earshot-Signature: t=…,v1=…</code>, the HMAC-SHA-256 of the time, a dot and the
          body with this secret.
        </ShownOnce>
      )}
    </>
  );
}

function List() {
  const listeners = useQuery(queries.listeners());
  if (listeners.isPending) return <div className="bone h-16 w-full max-w-3xl" />;
  if (listeners.isError && !listeners.data) return <Trouble error={listeners.error} onRetry={() => void listeners.refetch()} />;
  if (listeners.data.length === 0)
    return <p className="text-soft">Nobody yet. Once there is one, what it was told and what it answered stands here.</p>;
  return (
    <ul className="w-full max-w-3xl border-t border-line">
      {listeners.data.map((listener) => (
        <li key={listener.id} className="border-b border-line">
          <Link
            to="/settings/listeners/$id"
            params={{ id: listener.id }}
            className="-mx-2 flex flex-wrap items-baseline gap-x-4 gap-y-0.5 rounded px-2 py-2 hover:bg-sunk"
          >
            <span className="min-w-0 grow basis-64">
              <span className="block font-strong wrap-anywhere">
                <bdi>{listener.said === "" ? hostOf(listener.url) : listener.said}</bdi>
              </span>
              <span dir="ltr" className="block truncate text-small text-soft">
                {listener.url}
              </span>
            </span>
            <Standing listener={listener} />
          </Link>
        </li>
      ))}
    </ul>
  );
}

export const hostOf = (url: string): string => URL.parse(url)?.host ?? url;

/** How it stands with a listener, the worst first. */
export function Standing({ listener: { paused_at, dead, waiting, told } }: { listener: Listener }) {
  return (
    <span className="flex flex-wrap gap-x-3">
      {paused_at !== null && <span className="text-look">Paused</span>}
      {dead > 0 && <span className="text-look">{count(dead, "given up", "given up")}</span>}
      {waiting > 0 && <span>{count(waiting, "waits", "wait")}</span>}
      <span className="tabular text-soft">{told.toLocaleString("en")} told</span>
    </span>
  );
}
