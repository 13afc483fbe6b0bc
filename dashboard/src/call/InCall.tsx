import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { Call, may } from "../ask/shapes.ts";
import { NumberField } from "../calls/NumberField.tsx";
import { Button } from "../look/Button.tsx";
import { TextArea } from "../look/Field.tsx";
import { Sheet } from "../look/Sheet.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useMay } from "../session/use-may.ts";
import { handOverIn, isMuted } from "./line.ts";

/** What can be done with a call while it runs, beside ending it. Each is seen on the timeline when the carrier has taken it. */
export function InCall({ call }: { call: Call }) {
  const [open, setOpen] = useState<"keys" | "hand over" | null>(null);
  const events = useQuery(queries.events(call.id));
  const mayMute = useMay("calls.mute") && may("mute", call.status);
  const mayPress = useMay("calls.send_keys") && may("send_keys", call.status);
  const mayHandOver = useMay("calls.transfer") && may("transfer", call.status);
  const handOver = handOverIn(events.data ?? []);
  return (
    <>
      {mayMute && <Mute call={call} muted={isMuted(events.data ?? [])} />}
      {mayPress && (
        <Button look="bare" onClick={() => setOpen("keys")}>
          Keypad
        </Button>
      )}
      {mayHandOver && handOver === "none" && (
        <Button look="bare" onClick={() => setOpen("hand over")}>
          Hand over
        </Button>
      )}
      {handOver === "under way" && (
        <span role="status" className="text-soft">
          Being handed over
        </span>
      )}
      {open === "keys" && <KeyPad call={call} onClose={() => setOpen(null)} />}
      {open === "hand over" && <HandOverSheet call={call} onClose={() => setOpen(null)} />}
    </>
  );
}

/** Asks something of a running call; what follows from it comes over the timeline. */
function useDeed(call: Call) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ deed, body }: { deed: string; body?: unknown }) =>
      ask(Call, `/calls/${call.id}/${deed}`, { method: "POST", ...(body === undefined ? {} : { body }) }),
    onSuccess: (after) => {
      client.setQueryData(queries.call(call.id).queryKey, after);
      void client.invalidateQueries({ queryKey: queries.events(call.id).queryKey });
    },
  });
}

function Mute({ call, muted }: { call: Call; muted: boolean }) {
  const mute = useDeed(call);
  return (
    <>
      <Button
        look="bare"
        busy={mute.isPending}
        title={muted ? "The agent hears the other party again" : "The agent does not hear the other party any more"}
        onClick={() => mute.mutate({ deed: muted ? "unmute" : "mute" })}
      >
        {muted ? "Unmute" : "Mute"}
      </Button>
      {mute.error && <span className="text-look">{mute.error instanceof Refused ? mute.error.problem.title : "That did not work."}</span>}
    </>
  );
}

const keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"] as const;

/** A keypad: each key is sent as it is pressed, by finger or keyboard. */
function KeyPad({ call, onClose }: { call: Call; onClose: () => void }) {
  const [sent, setSent] = useState("");
  const press = useDeed(call);
  const send = (key: string) => {
    if (press.isPending) return;
    press.mutate({ deed: "dtmf", body: { digits: key } }, { onSuccess: () => setSent((before) => (before + key).slice(-20)) });
  };
  return (
    <Sheet title="Send keys" shape="question" onClose={onClose} foot={<Button onClick={onClose}>Done</Button>}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: every key has its button; typing is a second way to them */}
      <div
        onKeyDown={(event) => {
          if (keys.includes(event.key as (typeof keys)[number])) send(event.key);
        }}
      >
        <p className="text-soft">The other party hears each as it is pressed. The keyboard works too.</p>
        <p
          dir="ltr"
          role="status"
          aria-label="Keys sent"
          className="tabular flex min-h-10 items-center justify-center text-title tracking-widest"
        >
          {sent}
        </p>
        <div dir="ltr" className="mx-auto grid max-w-60 grid-cols-3 gap-2">
          {keys.map((key) => (
            <Button
              key={key}
              {...(key === "1" ? { "data-first": true } : {})}
              busy={press.isPending}
              className="min-h-12 text-lead"
              onClick={() => send(key)}
            >
              {key}
            </Button>
          ))}
        </div>
        {press.error && <Trouble error={press.error} className="mt-3" />}
      </div>
    </Sheet>
  );
}

/** To whom, and what that person hears first. */
function HandOverSheet({ call, onClose }: { call: Call; onClose: () => void }) {
  const form = useId();
  const [number, setNumber] = useState("");
  const [announcement, setAnnouncement] = useState("");
  const handOver = useDeed(call);
  const wrong = (field: string) => (handOver.error instanceof Refused ? handOver.error.field(field) : null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (handOver.isPending) return;
    const body = { to: number.trim(), ...(announcement.trim() === "" ? {} : { announcement: announcement.trim() }) };
    handOver.mutate({ deed: "transfer", body }, { onSuccess: onClose });
  };
  return (
    <Sheet
      title="Hand over to a person"
      shape="side"
      onClose={onClose}
      foot={
        <Button type="submit" form={form} look="main" className="grow" busy={handOver.isPending}>
          {handOver.isPending ? "Handing over" : "Hand over"}
        </Button>
      }
    >
      <form id={form} onSubmit={submit} noValidate className="flex flex-col gap-5">
        <p className="text-soft">
          The person's phone rings now. Once they pick up they speak with each other and the agent's part ends; if nobody does, the agent
          goes on.
        </p>
        <NumberField example="+1 202 555 0110" value={number} refused={handOver.error} onType={setNumber} />
        <TextArea
          label="What the person hears first"
          hint="Optional. Without it they are connected at once."
          wrong={wrong("announcement")}
          maxLength={1500}
          rows={3}
          value={announcement}
          onChange={(event) => setAnnouncement(event.target.value)}
        />
        {handOver.error && wrong("to") === null && wrong("announcement") === null && <Trouble error={handOver.error} />}
      </form>
    </Sheet>
  );
}
