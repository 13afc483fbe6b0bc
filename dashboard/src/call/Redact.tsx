import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { ask } from "../ask/ask.ts";
import { queries } from "../ask/queries.ts";
import { Keeping, type Utterance } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { TextField } from "../look/Field.tsx";
import { Question } from "../look/Question.tsx";
import { Segments } from "../look/Segments.tsx";
import { voices } from "../score/Score.tsx";
import { count } from "../words/text.ts";
import { clock, clockTenths, shortSeconds } from "../words/time.ts";
import type { Playback } from "./playback.ts";
import { type Side, type Stretch, touched, typedMoment } from "./stretch.ts";

/**
 * Making a stretch unheard: pulled on the score or typed, listened to, looked through, asked once more. `onStretch` moves the mark on the score.
 */
export function Redact({
  call,
  stretch,
  endMs,
  utterances,
  playback,
  onStretch,
  onClose,
}: {
  call: string;
  stretch: Stretch;
  endMs: number;
  utterances: readonly Utterance[];
  playback: Playback;
  onStretch: (stretch: Stretch) => void;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [side, setSide] = useState<Side>("both");
  const [original, setOriginal] = useState<"sealed" | "destroyed">("sealed");
  const [why, setWhy] = useState("");
  const [asking, setAsking] = useState(false);
  const redact = useMutation({
    mutationFn: () =>
      ask(Keeping, `/calls/${call}/redactions`, {
        method: "POST",
        body: { from_ms: stretch.fromMs, to_ms: stretch.toMs, side, original, why: why.trim() },
      }),
    onSuccess: (kept) => {
      client.setQueryData(queries.keeping(call).queryKey, kept);
      for (const name of ["call", "events", "utterances", "recordings"]) void client.invalidateQueries({ queryKey: [name, call] });
      onClose();
    },
  });
  const stopAt = useRef<number | null>(null);
  useEffect(
    () =>
      playback.onTick((ms) => {
        if (stopAt.current === null || ms < stopAt.current) return;
        stopAt.current = null;
        if (playback.state() === "playing") playback.toggle();
      }),
    [playback],
  );
  const words = touched(utterances, stretch, side);
  const empty = stretch.toMs <= stretch.fromMs;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!empty && why.trim() !== "") setAsking(true);
  };
  return (
    <form onSubmit={submit} aria-labelledby="redact" className="flex flex-col gap-4 pt-3">
      <div>
        <h3 id="redact" className="font-strong">
          Redact a stretch
        </h3>
        <p className="text-soft">
          Pull over it on the score above, or type its times. A tone takes its place, and its words are taken out.
        </p>
      </div>
      <div className="grid grid-cols-2 gap-3">
        <Edge
          label="From"
          ms={stretch.fromMs}
          onChange={(fromMs) => onStretch({ fromMs: Math.min(fromMs, endMs), toMs: Math.max(fromMs, stretch.toMs) })}
        />
        <Edge
          label="To"
          ms={stretch.toMs}
          onChange={(toMs) => onStretch({ fromMs: Math.min(stretch.fromMs, toMs), toMs: Math.min(toMs, endMs) })}
        />
      </div>
      <p className="flex flex-wrap items-center gap-x-3">
        <span className={empty ? "text-look" : ""}>
          {empty ? "Nothing is chosen yet." : `${shortSeconds(stretch.toMs - stretch.fromMs)} long`}
        </span>
        {!empty && (
          <Button
            onClick={() => {
              stopAt.current = stretch.toMs;
              playback.seek(stretch.fromMs, true);
            }}
          >
            Listen to it
          </Button>
        )}
      </p>
      <Segments
        label="Whose voice"
        value={side}
        options={[
          ["both", "Both"],
          ["caller", "Caller"],
          ["agent", "Agent"],
        ]}
        onChoose={setSide}
      />
      {!empty && (
        <div>
          <p className="font-strong">
            {words.length === 0 ? "No words are touched" : count(words.length, "sentence loses its words", "sentences lose their words")}
          </p>
          <ul className="max-h-40 overflow-y-auto">
            {words.map((said) => (
              <li key={said.id} className="grid grid-cols-[2.75rem_minmax(0,1fr)] py-0.5">
                <span className="tabular text-small leading-5 text-faint">{clock(said.started_ms)}</span>
                <span dir="auto" className="wrap-anywhere">
                  <span className="sr-only">{voices[said.speaker]}: </span>
                  {said.text}
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
      <Segments
        label="The original"
        value={original}
        options={[
          ["sealed", "Sealed"],
          ["destroyed", "Destroyed"],
        ]}
        onChoose={setOriginal}
      />
      <p className="-mt-2 text-small text-soft">
        {original === "sealed" ? "Kept where nothing plays it, for a court." : "Gone for good, with our journal of the call."}
      </p>
      <TextField
        label="Why"
        required
        maxLength={500}
        value={why}
        hint="Kept with the decision."
        onChange={(event) => setWhy(event.target.value)}
      />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="grave" disabled={empty || why.trim() === ""}>
          Redact it
        </Button>
        <Button look="bare" onClick={onClose}>
          Leave it
        </Button>
      </div>
      {asking && (
        <Question title="Redact this stretch?" verb="Redact it" keep="Leave it" asked={redact} onClose={() => setAsking(false)}>
          <p>
            From{" "}
            <span dir="ltr" className="tabular">
              {clockTenths(stretch.fromMs)} to {clockTenths(stretch.toMs)}
            </span>{" "}
            {side === "both" ? "nothing" : `nothing of the ${side}`} is heard any more, in every recording
            {words.length > 0 && `, and ${count(words.length, "sentence loses its words", "sentences lose their words")}`}.{" "}
            {original === "sealed" ? "The original is sealed." : "The original is destroyed."} This cannot be taken back.
          </p>
        </Question>
      )}
    </form>
  );
}

/** A moment as text: it follows the score, and the score follows what is typed once it is a moment. */
function Edge({ label, ms, onChange }: { label: string; ms: number; onChange: (ms: number) => void }) {
  const [typed, setTyped] = useState<string | null>(null);
  const wrong = typed !== null && typedMoment(typed) === null;
  return (
    <TextField
      label={label}
      dir="ltr"
      inputMode="decimal"
      autoComplete="off"
      value={typed ?? clockTenths(ms)}
      wrong={wrong ? "As 0:31.2" : null}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={() => {
        const moment = typed === null ? null : typedMoment(typed);
        if (moment !== null) onChange(moment);
        setTyped(null);
      }}
    />
  );
}
