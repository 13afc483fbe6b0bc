import { type FormEvent, useState } from "react";
import { type Call, Deletable, type Deletion } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Moment } from "../look/Moment.tsx";
import { Sheet } from "../look/Sheet.tsx";
import { Tick } from "../look/Tick.tsx";
import { useDeed, Whose, Why } from "./deed.tsx";
import { deletedParts } from "./kept-apart.ts";

/** A deletion, done or being done, with its receipt. */
export function Deleted({
  deletion: { asked_at, asked_by, because, what, done_at, receipt, id },
  call,
}: {
  deletion: Deletion;
  call: string;
}) {
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
        <span className="inline-block first-letter:uppercase">{what.map((one) => deletedParts[one]).join(" and ")}</span>:{" "}
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
          <summary className="text-soft hover:text-ink pointer-coarse:py-3">Receipt</summary>
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
  audio: [
    "The sound",
    "Every recording, sealed originals too, and our journal. The carrier keeps its own copy until it deletes it by itself; the receipt says by when.",
  ],
  transcript: ["What was said", "Every sentence with its feelings."],
  customer: ["Who they are", "Name, number, variables and metadata, and the carrier's raw requests."],
} as const satisfies Record<Deletable, readonly [string, string]>;

/** Deletes parts of a call for good. */
export function Delete({ call }: { call: Call }) {
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
