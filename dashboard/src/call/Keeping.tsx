import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { type Call, type Consent, Deletable, type Deletion, Keeping as Kept, type Redaction } from "../ask/shapes.ts";
import { isLive } from "../calls/states.ts";
import { Button } from "../look/Button.tsx";
import { TextArea } from "../look/Field.tsx";
import { Moment } from "../look/Moment.tsx";
import { Question } from "../look/Question.tsx";
import { Sheet } from "../look/Sheet.tsx";
import { Tick } from "../look/Tick.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useMay } from "../session/use-may.ts";
import { useWho } from "../session/use-who.ts";
import { clockTenths } from "../words/time.ts";

/** What is decided about keeping this call: its hold, what was said about recording, what was made unheard, what was deleted. */
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
      <Matter title="Made unheard">
        {redactions.map((one) => (
          <Unheard key={one.id} redaction={one} />
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

function Whose({ by, at, did }: { by: string; at: string; did: string }) {
  const who = useWho(by);
  return (
    <p className="text-small text-soft">
      {did} <Moment at={at} /> by <bdi className="wrap-anywhere">{who}</bdi>
    </p>
  );
}

/** A deed of keeping: the answer is what is decided now, and what the page shows of the call is read again. */
function useDeed(call: string, done: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ path, method, body }: { path: string; method: "PUT" | "POST" | "DELETE"; body?: unknown }) =>
      ask(Kept, `/calls/${call}/${path}`, { method, ...(body === undefined ? {} : { body }) }),
    onSuccess: (kept) => {
      client.setQueryData(queries.keeping(call).queryKey, kept);
      for (const name of ["call", "events", "utterances", "recordings"]) void client.invalidateQueries({ queryKey: [name, call] });
      done();
    },
  });
}

function Hold({ call, held }: { call: Call; held: boolean }) {
  const [open, setOpen] = useState(false);
  const close = () => {
    setOpen(false);
    deed.reset();
  };
  const deed = useDeed(call.id, () => setOpen(false));
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!deed.isPending) deed.mutate({ path: "hold", method: "PUT", body: Object.fromEntries(new FormData(event.currentTarget)) });
  };
  return (
    <>
      <Button className="mt-2" onClick={() => setOpen(true)}>
        {held ? "Lift the hold" : "Put on hold"}
      </Button>
      {open && held && (
        <Question
          title="Lift the hold?"
          verb="Lift it"
          keep="Keep it held"
          asked={{ ...deed, mutate: () => deed.mutate({ path: "hold", method: "DELETE" }) }}
          onClose={close}
        >
          <p>Deletions that waited for it go on at once, and the rules of keeping hold for this call again.</p>
        </Question>
      )}
      {open && !held && (
        <Sheet
          title="Put this call on hold"
          shape="question"
          onClose={close}
          foot={
            <>
              <Button type="submit" form="hold" look="main" busy={deed.isPending}>
                Put on hold
              </Button>
              <Button onClick={close}>Leave it</Button>
            </>
          }
        >
          <form id="hold" onSubmit={submit} className="flex flex-col gap-3">
            <p>While it is on hold nothing of it is deleted or redacted, whatever a rule or a person says.</p>
            <Why name="why" label="Why" error={deed.error} />
          </form>
        </Sheet>
      )}
    </>
  );
}

/** Why something is decided: it is written down with it. */
export function Why({ name, label, error }: { name: string; label: string; error: unknown }) {
  const wrong = error instanceof Refused ? error.field(name) : null;
  return (
    <>
      <TextArea label={label} name={name} required maxLength={500} rows={2} data-first hint="Kept with the decision." wrong={wrong} />
      {error && !wrong ? <Trouble error={error} /> : null}
    </>
  );
}

const tellers = {
  agent: "The agent",
  carrier: "The carrier",
  operator: "An operator",
  contract: "Their contract",
} as const satisfies Record<Consent["told_by"], string>;
const answers = {
  given: "They agreed",
  refused: "They refused",
  silent: "They said nothing to it",
  not_asked: "They were not asked",
} as const satisfies Record<Consent["answer"], string>;

function Told({ consent: { at, told_by, words, words_sha256, answer }, call }: { consent: Consent; call: Call }) {
  const ms = call.started_at === null ? null : Date.parse(at) - Date.parse(call.started_at);
  return (
    <div className="not-first:mt-2">
      <p>
        {tellers[told_by]}
        {words === null ? " told them, in words not kept." : ":"}
        {words !== null && (
          <q dir="auto" className="ms-1 wrap-anywhere">
            {words}
          </q>
        )}
      </p>
      <p className="text-small text-soft">
        <span className={answer === "refused" ? "text-look" : ""}>{answers[answer]}</span>
        {ms !== null && ms > -60_000 && <span className="tabular"> at {clockTenths(ms)}</span>}{" "}
        <span className="font-mono" title={`SHA-256 of the words: ${words_sha256}`}>
          {words_sha256.slice(0, 8)}
        </span>
      </p>
    </div>
  );
}

const sides = { caller: "the caller", agent: "the agent", both: "both sides" } as const satisfies Record<Redaction["side"], string>;

const Unheard = ({ redaction: { from_ms, to_ms, side, original, why, asked_at, asked_by, done_at } }: { redaction: Redaction }) => (
  <div className="not-first:mt-2">
    <p>
      <span dir="ltr" className="tabular">
        {clockTenths(from_ms)}–{clockTenths(to_ms)}
      </span>{" "}
      {sides[side]}: <bdi className="wrap-anywhere">{why}</bdi>
    </p>
    <p className="text-small text-soft">
      {done_at === null
        ? "Being done; it is played only once the tone is in."
        : original === "sealed"
          ? "The original is sealed: kept where nothing plays it."
          : "The original is destroyed."}
    </p>
    <Whose by={asked_by} at={asked_at} did="Asked" />
  </div>
);

const parts = { audio: "audio", transcript: "transcript", customer: "customer" } as const satisfies Record<Deletable, string>;

function Deleted({ deletion: { asked_at, asked_by, because, what, done_at, receipt, id }, call }: { deletion: Deletion; call: string }) {
  const text = receipt === null ? null : JSON.stringify(receipt, null, 2);
  const save = () => {
    if (text === null) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `receipt-${call}-${id.slice(0, 8)}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <div className="not-first:mt-3">
      <p>
        <span className="inline-block first-letter:uppercase">{what.map((one) => parts[one]).join(", ")}</span>:{" "}
        <bdi className="wrap-anywhere">{because.startsWith("rule:") ? "a rule of keeping" : because}</bdi>
      </p>
      <p className="text-small text-soft">
        {done_at === null ? (
          "Being done; the receipt follows."
        ) : (
          <>
            Done <Moment at={done_at} />
          </>
        )}
      </p>
      <Whose by={asked_by} at={asked_at} did="Asked" />
      {text !== null && (
        <details className="pt-1">
          <summary className="text-soft hover:text-ink">Receipt</summary>
          <pre
            dir="ltr"
            className="mt-1 max-h-64 overflow-auto rounded bg-sunk px-3 py-2 text-start font-mono text-small whitespace-pre-wrap [overflow-wrap:anywhere]"
          >
            {text}
          </pre>
          <Button className="mt-1" onClick={save}>
            Save the receipt
          </Button>
        </details>
      )}
    </div>
  );
}

const deletable = {
  audio: ["The sound", "Every recording, sealed originals too, and our journal. The carrier is asked to delete its copy where it can be."],
  transcript: ["What was said", "Every sentence with its feelings."],
  customer: ["Who they are", "Name, number, variables and metadata, and the carrier's raw requests."],
} as const satisfies Record<Deletable, readonly [string, string]>;

function Delete({ call }: { call: Call }) {
  const [open, setOpen] = useState(false);
  const [what, setWhat] = useState<readonly Deletable[]>([]);
  const deed = useDeed(call.id, () => close());
  const close = () => {
    setOpen(false);
    setWhat([]);
    deed.reset();
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (deed.isPending || what.length === 0) return;
    deed.mutate({ path: "deletions", method: "POST", body: { what, ...Object.fromEntries(new FormData(event.currentTarget)) } });
  };
  return (
    <>
      <Button look="grave" className="mt-2" onClick={() => setOpen(true)}>
        Delete parts of it
      </Button>
      {open && (
        <Sheet
          title="Delete parts of this call"
          shape="question"
          onClose={close}
          foot={
            <>
              <Button type="submit" form="delete" look="grave" disabled={what.length === 0} busy={deed.isPending}>
                Delete for good
              </Button>
              <Button onClick={close}>Keep all of it</Button>
            </>
          }
        >
          <form id="delete" onSubmit={submit} className="flex flex-col gap-3">
            <p>It cannot be brought back. That there was a call, when, and how it ended stays; a signed receipt says what was deleted.</p>
            {Deletable.options.map((one) => (
              <Tick
                key={one}
                label={deletable[one][0]}
                hint={deletable[one][1]}
                checked={what.includes(one)}
                onTick={(on) => setWhat(Deletable.options.filter((other) => (other === one ? on : what.includes(other))))}
              />
            ))}
            <Why name="because" label="Why" error={deed.error} />
          </form>
        </Sheet>
      )}
    </>
  );
}
